"""`make demo-platforms`: the sample appliance on all four platforms at once, against simulated clouds.

EC2, vCenter and Vagrant's provider are the tests' simulators, whose machines are real containers; qemu is qemu. What
the product does is what it does anywhere: nothing in it knows that it is a demo.
"""
