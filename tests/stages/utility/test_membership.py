"""Membership in a table of utility: each classifier is attacked, none is trained again for it."""

import pytest
from PIL import Image

from synthgen.evaluation.utility import Utility
from synthgen.spec.errors import SynthgenError


def test_an_attack_tells_what_stands_behind_a_classifier_from_test_images(
    measure, digits, tmp_path, monkeypatch
):
    import synthgen.stages.utility.trials as stage

    trained, real_train = [], stage.train_fixed_budget

    def counted(*given, **more):
        trained.append(given)
        return real_train(*given, **more)

    monkeypatch.setattr(stage, "train_fixed_budget", counted)
    found = measure(membership=True, quick=True, seeds=1)
    assert len(trained) == len(found.rows) == 5  # none is trained twice, once to attack it
    assert all(len(row.membership) == 1 for row in found.rows)
    areas = {row.name + str(row.real_images): row.membership[0][0] for row in found.rows}
    assert all(0 <= value <= 1 for value in areas.values())
    # Five images of a class are learnt by heart; what a generator learnt from is farther away.
    assert areas["real15"] > 0.6 and areas["real15"] > areas["synthetic0"]
    assert "attack: area / found" in found.text() and "an attack on the classifier" in found.text()
    assert Utility.from_json(found.to_json()) == found
    again, plain = measure(membership=True, quick=True, seeds=1), measure(quick=True, seeds=1)
    assert again == found and len(trained) == 5
    assert [row.accuracies for row in plain.rows] == [row.accuracies for row in found.rows]
    other = tmp_path / "other"
    for label, name in enumerate(("nought", "one", "two")):
        (other / name).mkdir(parents=True)
        for number in range(12):
            Image.fromarray(digits[0][digits[1] == label][number][:, :, 0]).save(
                other / name / f"{number}.png"
            )
    with pytest.raises(SynthgenError, match="nobody's membership can be told"):
        measure(membership=True, quick=True, real=str(other), seeds=1)
