"""Retraining: which images no promoted model has seen, and whether a new model takes the champion's place."""

from detloop.promotion.champion import Champion, champion_version, read_champion
from detloop.promotion.promote import Promotion, promote_model
from detloop.promotion.select import Selection, select_images

__all__ = [
    "Champion",
    "Promotion",
    "Selection",
    "champion_version",
    "promote_model",
    "read_champion",
    "select_images",
]
