"""The tests of `streamvet.recorder`: over real loopback sockets, with servers that send exactly these bytes."""
