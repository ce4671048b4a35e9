"""The tests of `streamvet.probes` and `streamvet.campaign`."""
