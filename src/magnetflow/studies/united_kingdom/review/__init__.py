"""Which numbers of the published study hold, and what other evidence says of them."""
