"""The generator that made a dataset, found again."""

from __future__ import annotations

from synthgen.generators.generator import Generator
from synthgen.generators.zoo import load_generator
from synthgen.machine.devices import resolve_device
from synthgen.spec.errors import SynthgenError
from synthgen.spec.provenance import Origin, TrainingRecord
from synthgen.storage.place import Place


def load_origin(
    root: Place,
    origin: Origin,
    given: str | None,
    device: str = "cpu",
    precision: str = "fp32",
) -> Generator:
    """The generator of the dataset in ``root``, from ``given`` or by the name it goes by there.

    Args:
        root: the dataset's folder, for messages.
        origin: the generator, as the dataset's manifest has it.
        given: where the user says that it is.
        device: as :func:`load_generator` takes it.
        precision: as :func:`load_generator` takes it.

    Raises:
        SynthgenError: it is not to be found, damaged, or has other weights; or no such device.
    """
    return load_made_by(root, origin.name, origin.weights_sha256, given, device, precision)


def load_made_by(
    root: Place,
    name: str,
    weights_sha256: str | None,
    given: str | None,
    device: str,
    precision: str,
) -> Generator:
    """The generator of a dataset whose manifest is not written yet; see :func:`load_origin`.

    Raises:
        SynthgenError: it is not to be found, damaged, or has other weights; or no such device.
    """
    resolve_device(device)
    try:
        generator = load_generator(given or name, device, precision)
    except SynthgenError as error:
        if given is not None:
            raise
        raise SynthgenError(
            f"{root}: the generator '{name}' that made it is not to be found by this name; say "
            f"with --generator where its bundle is ({error})"
        ) from None
    if generator.weights_sha256 != weights_sha256:
        raise SynthgenError(
            f"generator '{generator.name}' is not the one that made {root}: it has other weights; "
            "name the right bundle with --generator"
        )
    return generator


def trained(generator: Generator) -> TrainingRecord:
    """What the generator's bundle says of its training.

    Raises:
        SynthgenError: the record is damaged.
    """
    try:
        return TrainingRecord.from_json(generator.config.training)
    except ValueError as error:
        raise SynthgenError(
            f"{generator.folder}: its config.json is damaged ({error}); copy the bundle again"
        ) from None
