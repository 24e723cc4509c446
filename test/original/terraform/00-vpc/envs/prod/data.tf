# The first layer reads no other layer's state.
