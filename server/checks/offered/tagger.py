"""offered/tagger.py: tags of containers, of which this runner knows none.

Checks ask for them beside their own, so the answer is an empty list and no error.
"""

LOW, ORCHESTRATOR, HIGH = range(3)


def tag(entity, cardinality=LOW):
    return []


def get_tags(entity, high_cardinality=False):
    return []
