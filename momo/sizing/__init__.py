"""How many of each part a MOMO needs for so many commands a second, from what one message costs each of them."""
