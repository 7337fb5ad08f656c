"""pipeline.yaml to PipelineConfig, with the line of every mistake."""

from docutune.config.load import find_pipeline, load
from docutune.config.models import PipelineConfig, SourceConfig, SplitConfig, StepConfig
from docutune.config.schema import json_schema

__all__ = ["PipelineConfig", "SourceConfig", "SplitConfig", "StepConfig", "find_pipeline", "json_schema", "load"]
