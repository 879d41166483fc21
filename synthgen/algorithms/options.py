"""Options that several algorithms have, each with its limits and its help text.

An option of one algorithm alone is a ``Field`` in its own page.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Latent = Annotated[int, Field(ge=2, le=1024, description="Size of the latent.")]
Embedding = Annotated[int, Field(ge=1, le=1024, description="Size of the label's embedding in G.")]
ConvWidth = Annotated[
    int, Field(ge=4, le=512, description="Channels of D's first and G's last layer.")
]
FullWidth = Annotated[
    int, Field(ge=4, le=512, description="Channels at full resolution; doubled per halving.")
]
VolumeWidth = Annotated[
    int,
    Field(ge=4, le=128, description="Channels of volumes in G at full size; doubled per halving."),
]
Widest = Annotated[int, Field(ge=4, le=2048, description="Most channels at any resolution.")]
GeneratorWidth = Annotated[int, Field(ge=8, le=2048, description="Channels of G up to 32 px.")]
DiscriminatorWidth = Annotated[int, Field(ge=8, le=2048, description="Channels of D up to 32 px.")]
LearningRate = Annotated[
    float, Field(gt=0, le=1, description="Adam's learning rate of both networks.")
]
GeneratorRate = Annotated[float, Field(gt=0, le=1, description="Adam's learning rate of G.")]
DiscriminatorRate = Annotated[float, Field(gt=0, le=1, description="Adam's learning rate of D.")]
PenaltyWeight = Annotated[float, Field(ge=0, description="Weight of the gradient penalty.")]
Gamma = Annotated[float, Field(ge=0, description="Weight of R1 and R2 at the start.")]
GammaEnd = Annotated[float, Field(ge=0, description="Weight of R1 and R2 from half of the run on.")]
PenaltyEvery = Annotated[
    int, Field(ge=1, description="Steps between penalties; their weight makes up.")
]
PenaltyShare = Annotated[
    float, Field(gt=0, le=1, description="Share of the batch that is penalised.")
]
CriticSteps = Annotated[int, Field(ge=1, le=100, description="Steps of the critic for each of G.")]
ClassHead = Annotated[
    float, Field(ge=0, description="Weight of D's class head; 0 leaves the head out.")
]
ClassHeadInG = Annotated[float, Field(ge=0, description="Weight of the class head's verdict in G.")]
