"""What destinations are to hold of customers, and how each vendor is asked to hold it: pure."""
