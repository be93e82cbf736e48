"""Everything that writes evidence, judgements and settled customers."""
