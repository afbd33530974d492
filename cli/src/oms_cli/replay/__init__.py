"""`oms replay`: real order lines of the public *Online Retail* data, fed as a channel would."""
