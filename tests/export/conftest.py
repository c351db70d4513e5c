import pytest
from tiny_models import write_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Gives the folder of a tiny model, made when it is first wanted. It is for reading; copy it to change it."""
    folders = {}

    def folder(kind, shards=1):
        if (kind, shards) not in folders:
            folders[kind, shards] = write_tiny(tmp_path_factory.mktemp("models") / f"{kind}-{shards}", kind, shards)
        return folders[kind, shards]

    return folder
