"""What our own parts are measured against: each as somebody would write it who does not use ours."""
