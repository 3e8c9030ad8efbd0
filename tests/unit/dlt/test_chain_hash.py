"""The hash of the chain of entities that a message went through."""

from harkara.dlt.templates import chain_hash


def test_the_chain_hash_is_that_of_the_operators() -> None:
    expected = "c0c951afca257c5b87c3da535c09112080483f35b7e6faf35e2428b3b526b694"
    assert chain_hash("1101172974420810001", ["1101172974420830004"]) == expected
