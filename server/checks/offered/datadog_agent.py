"""offered/datadog_agent.py: what a check asks the Agent that runs it.

The Agent's own process offers a module of this name. Whoever runs a check installs an agent before
the check is imported, one for the process. Without one, `kept` answers: a developer's unit tests
may set its members and look at what it kept.

An agent has hostname, version and config (a dict), and
  log(level, text)                     level: a number as in `logging`, and 7 for TRACE
  metadata(check_id, name, value)      texts
  external_tags([(host, {source: [tag, …]}), …])
  cache_read(key), cache_write(key, value)      texts; what was never written is ""
"""

import json
import re

MAX_KEPT = 10_000   # lines of the log that nobody took


class Kept:
    """The agent of whoever installs none."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.hostname, self.version, self.config = "", "0.0.0", {}
        self.lines, self.kept_metadata, self.kept_tags, self.cache = [], {}, [], {}

    def log(self, level, text):
        if len(self.lines) < MAX_KEPT:
            self.lines.append((level, text))

    def metadata(self, check_id, name, value):
        self.kept_metadata[check_id, name] = value

    def external_tags(self, tags):
        self.kept_tags = tags

    def cache_read(self, key):
        return self.cache.get(key, "")

    def cache_write(self, key, value):
        self.cache[key] = value


kept = Kept()
_agent = kept


def install(agent):
    """From now on `agent` answers; None: `kept` again."""
    global _agent
    _agent = kept if agent is None else agent


def get_hostname():
    return _agent.hostname


def get_version():
    return _agent.version


def get_config(key):
    """The setting, or "" for one that is not there. "a.b" is also looked for as b of a."""
    value = _agent.config
    if key in value:
        return value[key]
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            return ""
        value = value[part]
    return value


def get_clustername():
    return get_config("cluster_name") or ""


def headers(agentConfig=None, http_host=None, **_):
    """What an HTTP request of a check says of who asks."""
    fields = {"User-Agent": f"heeler-checks/{_agent.version}",
              "Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html, */*"}
    if http_host:
        fields["Host"] = http_host
    return fields


def log(msg, level):
    _agent.log(level, msg)


def set_check_metadata(check_id, name, value):
    _agent.metadata(check_id, name, value)


def set_external_tags(external_tags):
    _agent.external_tags(external_tags)


def read_persistent_cache(key):
    return _agent.cache_read(key)


def write_persistent_cache(key, value):
    _agent.cache_write(key, value)


def tracemalloc_enabled():
    """Nobody here looks at what tracemalloc finds."""
    return False


# ---------------------------------------------------------------- queries without their values

LITERAL_OR_COMMENT = re.compile(r"""
      --[^\n]* | /\*.*?\*/                          # comments
    | (?P<literal>
        [eExXbBnN]?'(?:[^'\\]|''|\\.)*'             # texts; "…" is a name in SQL, and stays
      | (?P<dollars>\$(?:[A-Za-z_]\w*)?\$).*?(?P=dollars)
      | (?<![\w.$%:@"`])[+-]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)(?![\w"`])
      )""", re.VERBOSE | re.DOTALL)


def _without_values(query):
    text = LITERAL_OR_COMMENT.sub(lambda found: "?" if found["literal"] else " ", query)
    return " ".join(text.split())


def obfuscate_sql(query, options=None):
    """The query with ? for each literal, without comments, in one line.

    This is less than the Agent's: it knows no dialects, and does not bring lists of literals to one
    ?. An unfinished text stays as it is. With `"return_json_metadata": true` among the options, a
    JSON object as that option promises it, whose lists are empty."""
    text = _without_values(query)
    if not _asks_for_metadata(options):
        return text
    return json.dumps({"query": text, "metadata": {"tables_csv": "", "commands": [],
                                                   "comments": [], "procedures": []}})


def _asks_for_metadata(options):
    try:
        return bool(options) and json.loads(options).get("return_json_metadata") is True
    except (ValueError, AttributeError):
        return False


def obfuscate_sql_exec_plan(plan, normalize=False):
    """A plan in JSON with the texts in it as obfuscate_sql() gives them; numbers are the plan's
    own and stay. What is no JSON is taken for a query."""
    try:
        parsed = json.loads(plan)
    except ValueError:
        return _without_values(plan)
    return json.dumps(_plan_without_values(parsed))


def _plan_without_values(node):
    if isinstance(node, dict):
        return {key: _plan_without_values(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plan_without_values(value) for value in node]
    return _without_values(node) if isinstance(node, str) else node
