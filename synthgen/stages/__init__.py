"""One file per stage: settings in, an artefact on disk out. What cli and pipelines call."""
