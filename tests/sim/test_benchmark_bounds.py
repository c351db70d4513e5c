"""The arithmetic that docs/devices.md applies to other devices."""

from models.bundle import DECODER_GRAPH_FILE, DECODER_WEIGHTS_FILE
from sim.benchmark.bounds import Product, products, seconds


def test_the_products_of_a_decoder_are_those_of_its_layers_and_its_head(default_bundle):
    found = products(default_bundle.path(DECODER_GRAPH_FILE))
    assert sum(found.values()) == 4 * default_bundle.decoder.layers + 1
    hidden, vocabulary = default_bundle.decoder.hidden, default_bundle.decoder.vocabulary
    assert [count for product, count in found.items() if product.outputs == vocabulary] == [1]
    # 576 hidden, 9 query and 3 key/value heads of 64, 1536 in the feed-forward network with its gate
    layer = hidden * (9 + 2 * 3) * 64 + hidden * hidden + 3 * hidden * 1536
    operations = sum(count * product.operations for product, count in found.items())
    assert operations == 2 * (30 * layer + hidden * vocabulary)


def test_their_weights_are_what_the_weights_file_holds(default_bundle):
    found = products(default_bundle.path(DECODER_GRAPH_FILE))
    read = sum(count * product.weight_bytes for product, count in found.items())
    assert 0.97 < read / default_bundle.path(DECODER_WEIGHTS_FILE).stat().st_size <= 1


def test_a_product_of_many_tokens_takes_longer_than_of_one():
    product = Product(576, 3072, 4, 64)
    assert seconds(product, 512) > 10 * seconds(product, 1)
