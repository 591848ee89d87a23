"""Errors of evaluation; each message says what is wrong and what to do.

ModelError
└── EvaluationError   a data file or an earlier record is not what it must be
"""

from linewise_models.errors import ModelError


class EvaluationError(ModelError):
    """A data file or an earlier record is not what it must be."""
