"""The product's version, which the package's metadata and the command read here."""

VERSION = "0.1.0"
