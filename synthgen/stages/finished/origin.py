"""The generator that made a dataset, found again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.machine.devices import resolve_device
from synthgen.spec.errors import SynthgenError
from synthgen.storage.place import Place


def load_origin(
    root: Place,
    origin: Mapping[str, Any],
    given: str | None,
    device: str = "cpu",
    precision: str = "fp32",
) -> Generator:
    """The generator of the dataset in ``root``, from ``given`` or by the name it goes by there.

    Args:
        root: the dataset's folder, for messages.
        origin: ``name`` and ``weights_sha256`` of the generator, as a manifest has them.
        given: where the user says that it is.
        device: as :func:`load_generator` takes it.
        precision: as :func:`load_generator` takes it.

    Raises:
        SynthgenError: it is not to be found, damaged, or has other weights; or no such device.
    """
    resolve_device(device)
    try:
        generator = load_generator(given or origin["name"], device, precision)
    except SynthgenError as error:
        if given is not None:
            raise
        raise SynthgenError(
            f"{root}: the generator '{origin['name']}' that made it is not to be found by this "
            f"name; say with --generator where its bundle is ({error})"
        ) from None
    if generator.weights_sha256 != origin["weights_sha256"]:
        raise SynthgenError(
            f"generator '{generator.name}' is not the one that made {root}: it has other weights; "
            "name the right bundle with --generator"
        )
    return generator
