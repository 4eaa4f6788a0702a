"""Boxes of weight 0 hide their anchors from the loss: these are neither object nor background.

The API's matchers leave two holes. An anchor that is best for a box of weight 0, but overlaps it less than the matched
threshold asks, is background, where for any other box it would be an object; small boxes have no better anchors. And an
anchor matched to such a box counts as a positive where hard example miners allow so many negatives for each positive,
and is lost to an object that it also overlaps.
"""

from typing import Any

BACKGROUND, IGNORED = -1, -2


def hide_anchors_of_ignored_boxes() -> None:
    """Has ArgMaxMatcher match boxes of weight above 0 first and mark as ignored what boxes of weight 0 would match.

    SSD's and both Faster R-CNN stages' targets come from this matcher. Their samplers, losses and normalizers leave
    out what it marks as ignored (-2). Rows that only fill up a batch have no area, so that no anchor overlaps them.
    """
    from object_detection.matchers.argmax_matcher import ArgMaxMatcher

    if ArgMaxMatcher._match is not _match:
        ArgMaxMatcher._match_any_weight = ArgMaxMatcher._match
        ArgMaxMatcher._match = _match


def _match(matcher: Any, similarity: Any, valid_rows: Any) -> Any:
    """The match [M] of the anchors: a row of `similarity` [N, M], BACKGROUND or IGNORED."""
    import tensorflow as tf

    valid = valid_rows[:, tf.newaxis]
    matches = matcher._match_any_weight(tf.where(valid, similarity, similarity.dtype.min), valid_rows)
    hidden = tf.reduce_any(_would_match(matcher, similarity) & ~valid, axis=0)
    return tf.where(hidden & tf.equal(matches, BACKGROUND), IGNORED, matches)


def _would_match(matcher: Any, similarity: Any) -> Any:
    """Whether each row, were it an object, would match each anchor; bool [N, M]."""
    import tensorflow as tf

    overlaps = similarity > 0
    threshold = matcher._matched_threshold
    close = overlaps & (similarity >= (threshold if threshold is not None else 0.0))
    if not matcher._force_match_for_each_row:
        return close
    best = similarity >= tf.reduce_max(similarity, axis=1, keepdims=True)
    return close | (best & overlaps)
