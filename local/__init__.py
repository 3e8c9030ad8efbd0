"""The development stack: AWS emulator, deployer, simulators of a carrier and a platform."""
