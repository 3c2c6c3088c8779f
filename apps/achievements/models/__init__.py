"""What can be earned and what has been earned."""

from apps.achievements.models.achievements import (
    Achievement,
    AchievementAssociation,
    Alignment,
    ResultDescription,
    RubricCriterionLevel,
)
from apps.achievements.models.assertions import Artifact, Assertion, Award, Evidence, Result
from apps.achievements.models.designs import BadgeDesign
from apps.achievements.models.endorsements import Endorsement, Endorser
from apps.achievements.models.frameworks import (
    Framework,
    FrameworkAssociation,
    FrameworkItem,
    FrameworkRubric,
    FrameworkRubricCriterion,
    FrameworkRubricLevel,
)

__all__ = [
    "Achievement",
    "AchievementAssociation",
    "Alignment",
    "Artifact",
    "Assertion",
    "Award",
    "BadgeDesign",
    "Endorsement",
    "Endorser",
    "Evidence",
    "Framework",
    "FrameworkAssociation",
    "FrameworkItem",
    "FrameworkRubric",
    "FrameworkRubricCriterion",
    "FrameworkRubricLevel",
    "Result",
    "ResultDescription",
    "RubricCriterionLevel",
]
