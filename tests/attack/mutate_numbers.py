"""Every number in the metadata of a .safetensors file, one at a time, with values that nobody
means."""
import json

VALUES = (-1, 0, 0.5, 2**31, 2**53, 1e300, -1e300, 10**25)


def split(raw):
    size = int.from_bytes(raw[:8], "little")
    return json.loads(raw[8:8 + size]), raw[8 + size:]


def join(header, data):
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def places(value, path=()):
    """Paths of all numbers in a JSON value."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield from places(v, path + (k,))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from places(v, path + (i,))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield path


def mutants(raw, key, values=VALUES):
    """(path, value, bytes) for each number in the JSON text under `key` of the metadata."""
    header, data = split(raw)
    for path in places(json.loads(header["__metadata__"][key])):
        for value in values:
            tree = json.loads(header["__metadata__"][key])
            at = tree
            for step in path[:-1]:
                at = at[step]
            if at[path[-1]] == value:
                continue
            at[path[-1]] = value
            changed = dict(header, __metadata__=dict(header["__metadata__"],
                                                     **{key: json.dumps(tree)}))
            yield "/".join(map(str, path)), value, join(changed, data)
