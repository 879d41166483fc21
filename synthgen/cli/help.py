"""How the help of each command is laid out: which options stand together, and which are rare.

Options come from the settings models; here is only their order on the page. In a layout the names
before ``|`` are shown by ``--help``, those after it by ``--help-all`` alone. What no layout names
stands under "Other", so an option that is new is never lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import click

DATA = (
    "data structure split classes resolution color fit limit_per_class"
    " | image_column label_column mask_names domain_column domain pixel_range on_bad_image"
    " limit_seed min_per_class max_pixels cache_dir"
)
READING = (
    "structure image_column label_column domain_column domain pixel_range fit on_bad_image"
    " max_pixels"
)
"""How other commands read real images: as training did."""


@dataclass(frozen=True)
class Layout:
    """The example at the end of a command's help, and its options by group."""

    example: str
    groups: Mapping[str, str] = field(default_factory=dict)


TRAIN = {
    "Data": f"{DATA} source source_domain field",
    "Model": "algorithm use options augment flip per_class | only_class use_options move"
    " lr_decay ema_half_life clip_gradients seed",
    "Budget": "images minutes hours batch_size dry_run | ticks checkpoint_every"
    " score_samples classifier_images",
    "Hardware": "device threads | precision",
    "Bundle": "out reference holdout | keep_discriminator",
}

TRAIN_ONLY = [
    name
    for group in TRAIN.values()
    for name in group.split()
    if name not in ("|", "flip", "out", "seed", *DATA.split())
]

LAYOUTS = {
    "train": Layout(
        "synthgen train --data photos --resolution 64 --flip --out runs/photos",
        TRAIN,
    ),
    "sample": Layout(
        "synthgen sample --generator runs/photos --n 5000 --out out/photos",
        {
            "What": "generator classes n per_class seed splits source structure set balance"
            " prompts per_prompt |"
            " given_again carry field mask_names image_column label_column source_split"
            " source_domain_column"
            " source_domain truncation latent_std",
            "Quality": "filters scores keep_rejects soft_labels refine_latents real"
            " | teachers real_split acceptance_floor",
            "Format": "out image_format | images_per_shard",
            "Existing folder": "resume extend overwrite",
            "Engines": "device workers engine deployment dry_run | threads precision compile"
            " batch_size watch ray_address ray_gpus",
        },
    ),
    "evaluate": Layout(
        "synthgen evaluate out/photos --real held-out --train photos --generator runs/photos",
        {
            "Images": "real train generator | real_split train_split field images train_images"
            f" {READING} cache_dir",
            "Figures": "extractor utility | utility_settings",
            "Hardware": "device threads",
        },
    ),
    "utility": Layout(
        "synthgen utility out/photos --real photos --test held-out --sizes all",
        {
            "Images": "real test sizes attribute learn group | real_split test_split field"
            f" limit_per_class limit_seed {READING}",
            "Baselines": "baseline unlabelled | unlabelled_split",
            "Training": "quick seeds steps flip synthetic_share teachers membership |"
            " finish_on_real soft_labels generator batch_size width",
            "Hardware": "device threads | precision cache_dir",
        },
    ),
    "adapt": Layout(
        "synthgen adapt --source photos --target camera --out runs/camera",
        {
            "Images": "source target test resolution canonical | source_split target_split"
            f" test_split classes {READING} cache_dir",
            "Translation": "images minutes algorithm options guards copies flip_limit"
            " | batch_size flip seed",
            "Refinement": "rounds round_images per_class | round_algorithm filters members",
            "Classifiers": "steps | classifier_batch width",
            "Run": "out dry_run",
            "Hardware": "device threads",
        },
    ),
    "tune": Layout(
        "synthgen tune --generator runs/photos --real photos --out out/tuned",
        {
            "Images": "generator real out | real_split limit_per_class limit_seed holdout"
            f" {READING}",
            "Tried": "latent_std truncation agreement shares finish",
            "Training": "seeds steps flip per_class | batch_size width seed",
            "Hardware": "device threads | precision cache_dir",
        },
    ),
    "grow": Layout(
        "synthgen grow --labelled few --unlabelled pool --out out/grown",
        {
            "Images": "labelled unlabelled test structure split unlabelled_split test_split classes"
            " limit_per_class resolution color fit flip | limit_seed image_column label_column"
            " domain_column domain pixel_range on_bad_image max_pixels cache_dir",
            "Rounds": "rounds confidence class_ratio only_pool | sample_share pool_share",
            "Classifiers": "members fixmatch steps | classifier_batch width",
            "Generators": "algorithm options images minutes per_class | filters",
            "Output": "out keep_pool dry_run | seed experiment",
            "Hardware": "device threads | precision",
        },
    ),
    "calibrate": Layout(
        "synthgen calibrate runs/photos --data photos",
        {"Data": DATA, "Bundle": "reference | holdout", "Hardware": "device threads"},
    ),
    "filter": Layout(
        "synthgen filter out/photos --set label_agreement.min=0.9 --generator runs/photos"
        " --out out/strict"
    ),
    "inspect": Layout(
        "synthgen inspect photos --resolution 64 --out seen --set-aside 0.2",
        {
            "Data": f"{DATA} flip",
            "Output": "out set_aside as_json seed",
            "Of training, to no effect here": f"| {' '.join(TRAIN_ONLY)}",
        },
    ),
    "advise": Layout(
        "synthgen advise --data photos --unlabelled more-photos",
        {
            "Data": f"{DATA} unlabelled target private field",
            "Output": "as_json seed",
        },
    ),
    "merge": Layout("synthgen merge out/a out/b --out out/both"),
    "report": Layout("synthgen report out/photos"),
    "export": Layout("synthgen export out/photos --format webdataset --out out/tars"),
    "publish": Layout("synthgen publish out/photos hf://me/photos"),
    "verify": Layout("synthgen verify out/photos"),
    "repair": Layout("synthgen repair out/photos --generator runs/photos"),
    "reproduce": Layout("synthgen reproduce out/photos --row 7 --generator runs/photos"),
    "generators": Layout("synthgen generators show fashion-mnist-28"),
    "algorithms": Layout("synthgen algorithms"),
    "uses": Layout("synthgen uses list"),
}


class LaidOut(click.Command):
    """A command whose help has groups of options, ``--help-all`` and one example."""

    layout = Layout("")

    @classmethod
    def of(cls, command: click.Command, layout: Layout) -> LaidOut:
        """``command`` as it is, with the help that ``layout`` describes."""
        laid_out = cls(
            command.name, callback=command.callback, params=list(command.params), help=command.help
        )
        laid_out.layout = layout
        if any(" | " in names for names in layout.groups.values()):
            laid_out.params.append(
                click.Option(
                    ["--help-all"], is_flag=True, is_eager=True, expose_value=False,
                    callback=_show_all, help="Show the rare options as well, and exit.",
                )
            )  # fmt: skip
        return laid_out

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each group that has options to show."""
        for title, options in self.sections(ctx, rare=bool(ctx.meta.get("synthgen.help-all"))):
            records = [record for o in options if (record := o.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example."""
        if self.layout.example:
            formatter.write(f"\nExample:\n  {self.layout.example}\n")

    def sections(
        self, ctx: click.Context, *, rare: bool
    ) -> Iterator[tuple[str, list[click.Option]]]:
        """Title and options of each group, in order; ``rare`` options only if they are wanted."""
        options = (param for param in self.get_params(ctx) if isinstance(param, click.Option))
        left = {option.name: option for option in options}
        own = [left.pop(name) for name in ("quiet", "help_all") if name in left]
        for title, names in self.layout.groups.items():
            usual, _, others = names.partition("|")
            shown = [left.pop(name, None) for name in usual.split()]
            seldom = [left.pop(name, None) for name in others.split()]
            yield title, [o for o in (shown + seldom if rare else shown) if o is not None]
        yield "Other" if self.layout.groups else "Options", [*own, *left.values()]


def _show_all(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.meta["synthgen.help-all"] = True
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()
