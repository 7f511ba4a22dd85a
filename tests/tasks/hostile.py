"""What may be wrong with a file of a model, by accident or by intention: changes of a sound one, each with its name."""

import json
import re
import struct

import numpy as np

#: Beyond the end of everything.
HUGE = 2_000_000_000


def _set(*keys, to):
    def change(file):
        held = file.body
        for key in keys[:-1]:
            held = held[key]
        held[keys[-1]] = to

    return change


def _model(kind, key, to):
    return lambda file: file.body["members"][file.place(kind)]["body"]["model"].__setitem__(key, to)


def _cell(kind, name, to, at=0):
    """One number of an array of a model."""

    def change(file):
        where = f"{file.place(kind)}/model/{name}"
        array = file.array(where)
        array.reshape(-1)[at] = to
        file.put(where, array)

    return change


def _array(kind, name, make):
    def change(file):
        where = f"{file.place(kind)}/model/{name}"
        file.put(where, make(file.array(where)))

    return change


def _native(kind, make):
    return _array(kind, "bytes:model", lambda held: np.frombuffer(make(held.tobytes()), np.uint8))


def _text(pattern, to):
    return _native("lightgbm", lambda held: re.sub(pattern, to, held.decode(), count=1, flags=re.M).encode())


def _ubj(key, to, kind=">i"):
    """The first number of an array of the first tree of XGBoost."""

    def make(held):
        start = held.index(key.encode() + b"[$") + len(key) + 4
        assert held[start : start + 1] == b"L"
        return held[: start + 9] + struct.pack(kind, to) + held[start + 9 + struct.calcsize(kind) :]

    return _native("xgboost", make)


def _booster(held):
    import xgboost

    made = xgboost.Booster()
    made.load_model(bytearray(held))
    return made


def _step(kind, key, to):
    def change(file):
        for one in file.body["members"]:
            for step in one["body"]["features"].get("steps", ()):
                if step["step"] == kind:
                    step[key] = to
                    return
        raise AssertionError(kind)

    return change


def _step_array(ending, to):
    def change(file):
        name = next(name[:-4] for name in file.parts if "/features/" in name and name.endswith(f"/{ending}.npy"))
        array = file.array(name)
        array.reshape(-1)[0] = to
        file.put(name, array)

    return change


def _drop(*keys):
    def change(file):
        held = file.body
        for key in keys[:-1]:
            held = held[key]
        del held[keys[-1]]

    return change


HOSTILE = {
    "no members": _set("members", to=[]),
    "members are text": _set("members", to="abc"),
    "no schema": _drop("predictor", "schema"),
    "no body": _set("predictor", to={"schema": 1}),
    "another task": _set("predictor", "target", "task", to="wat"),
    "a task without classes": _set("predictor", "target", "task", to="regression"),
    "a third class": _set("predictor", "target", "classes", to=["low", "mid", "top"]),
    "no threshold": _set("predictor", "threshold", to=None),
    "a threshold above 1": _set("predictor", "threshold", to=1.5),
    "factors of no class": _set("predictor", "factors", to=[0.5]),
    "factors that are texts": _set("predictor", "factors", to="ab"),
    "no temperature": _set("predictor", "temperature", to=0),
    "an infinite range": _set("predictor", "range", to=[0, {"$float": "inf"}]),
    "a weight of text": _set("members", 0, "weight", to="NaN?"),
    "weights above 1": _set("members", 0, "weight", to=0.9),
    "a weight that is no number": _set("members", 0, "weight", to={"$float": "nan"}),
    "a kind that is a list": _set("members", 0, "body", "kind", to=["own"]),
    "an unknown kind": _set("members", 0, "body", "kind", to="wat"),
    "an estimator of somebody": _set("members", 0, "body", "kind", to="own"),
    "a model of CatBoost": _set("members", 0, "body", "kind", to="catboost"),
    "features of nobody": _set("members", 0, "body", "features", to={"as": 99}),
    "features of itself": _set("members", 0, "body", "features", to={"as": True}),
    "features of a text": _set("members", 0, "body", "features", to={"as": "x"}),
    "unknown kinds of columns": _set("predictor", "schema", "columns", 0, "kind", to="wat"),
    "details that are text": _set("predictor", "schema", "columns", 0, "details", to="x"),
    "columns of one name that are no names": _set("predictor", "schema", "columns", 0, "details", "alike", to=[1]),
    "arguments that are a list": _set("predictor", "asked", to={"arguments": [], "spent": {}}),
    "a store that is no text": _set(
        "predictor", "asked", to={"arguments": {"store": {"a": 1}}, "spent": {"seconds": 1.0, "trials": 1}}
    ),
    "time that was never spent": _set(
        "predictor", "asked", to={"arguments": {}, "spent": {"seconds": "long", "trials": 1}}
    ),
    "what was said is text": _set("predictor", "plan", to={"said": "all"}),
    "a leaderboard of text": _set("predictor", "leaderboard", to=[{"model": "m", "score": "high"}]),
    "what is to be said again is a number": _set("predictor", "plan", to={"said": {"again": 5}}),
    "what was said is a list": _set("predictor", "plan", to={"said": {"sample_weight": ["w"]}}),
    "a member of the plan that is none": _set("predictor", "plan", to={"members": [{"name": "m"}]}),
    "a score beyond all numbers": _set("predictor", "score", to=10**400),
    "a score on the leaderboard beyond all numbers": _set(
        "predictor", "leaderboard", to=[{"model": "m", "score": 10**400}]
    ),
    "a weight on the leaderboard that is true": _set("predictor", "leaderboard", to=[{"model": "m", "weight": True}]),
    "a check of nothing": _set("predictor", "checks", to=[{}]),
    "a check without an end": _set(
        "predictor", "checks", to=[{"name": "ids", "status": "alert", "column": None, "message": "found"}]
    ),
    "a decision of nothing": _set("predictor", "decisions", to=[{}]),
    "rows that are text": _set("predictor", "rows", to="many"),
    "confusion of other classes": _set("predictor", "judged", to={"confusion": [[1]]}),
    "rows named rightly are not there": _set("predictor", "judged", to={"confusion": [[1, 2], [3, 4]], "rows": 10}),
    "rows named rightly are none": _set("predictor", "judged", to={"mixed_up": [[0, 1, 2]], "rows": 10, "right": None}),
    "rows that judged are not there": _set("predictor", "judged", to={"confusion": [[1, 2], [3, 4]], "right": 0.5}),
    "residuals without what is within": _set("predictor", "judged", to={"residuals": [[0, 1, 2, 3, 4]]}),
    "calibration that is text": _set("predictor", "judged", to={"calibration": [["a", "b", "c"]]}),
    "phases that are text": _set("predictor", "time", to={"phases": [["search", "long"]]}),
    "rows divided by a list": _set("predictor", "split", to=["folds"]),
    "deep JSON": _set("predictor", "plan", to=json.loads("[" * 100 + "]" * 100)),
    "a column that is not there": _step("numbers", "names", ["number", "nowhere", "x", "y"]),
    "other names": _step("selected", "names", ["a"]),
    "buckets without end": _step("texts", "buckets", 10**15),
    "a level that is nowhere": _step("one hot", "sizes", [10**9]),
    "selected from nowhere": _step_array("stay", HUGE),
    "a level in column 2 billion": _step_array("places", HUGE),
    "a shift that is no number": _step_array("shift", np.nan),
    "LightGBM: garbage": _native("lightgbm", lambda held: b"hello world"),
    "LightGBM: cut short": _native("lightgbm", lambda held: held[: len(held) // 2]),
    "LightGBM: no trees": _native("lightgbm", lambda held: re.sub(rb"(?s)Tree=0.*?end of", b"end of", held)),
    "LightGBM: feature": _text(r"^split_feature=\d+", f"split_feature={HUGE}"),
    "LightGBM: child": _text(r"^left_child=-?\d+", f"left_child={HUGE}"),
    "LightGBM: leaf": _text(r"^left_child=-?\d+", f"left_child=-{HUGE}"),
    "LightGBM: leaves": _text(r"^num_leaves=\d+", f"num_leaves={HUGE}"),
    "LightGBM: cycle": _text(r"^left_child=-?\d+", "left_child=0"),
    "LightGBM: shared child": _text(r"^left_child=-?\d+ (.*)\nright_child=-?\d+", r"left_child=1 \1\nright_child=1"),
    "LightGBM: features": _text(r"^max_feature_idx=\d+", f"max_feature_idx={HUGE}"),
    "LightGBM: classes": _text(r"^num_class=\d+", "num_class=100000000"),
    "LightGBM: sets": _text(r"^num_cat=\d+", "num_cat=50000000"),
    "LightGBM: no sets": _text(r"^num_cat=.*\n", ""),
    "LightGBM: leaf without a use": _text(r"^leaf_value=[^ \n]+", "leaf_value=nan"),
    "LightGBM: linear": _text(r"^is_linear=0", "is_linear=1"),
    "LightGBM: objective": _text(r"^objective=.*", "objective=binary sigmoid:0"),
    "LightGBM: a line twice": _text(r"^(left_child=.*)", r"\1\n\1"),
    "XGBoost: garbage": _native("xgboost", lambda held: b"{not ubj"),
    "XGBoost: nothing": _native("xgboost", lambda held: b""),
    "XGBoost: cut short": _native("xgboost", lambda held: held[: len(held) // 2]),
    "XGBoost: more at its end": _native("xgboost", lambda held: held + b"}"),
    "XGBoost: JSON": _native("xgboost", lambda held: bytes(_booster(held).save_raw("json"))),
    "XGBoost: child": _ubj("left_children", HUGE),
    "XGBoost: cycle": _ubj("left_children", 0),
    "XGBoost: one child": _ubj("right_children", -1),
    "XGBoost: feature": _ubj("split_indices", HUGE),
    "XGBoost: parent": _ubj("parents", 0),
    "XGBoost: by categories": _ubj("split_type", 7, ">B"),
    "XGBoost: a length without end": _native("xgboost", lambda held: held.replace(b"[$d#L\0\0", b"[$d#L\x7f\xff", 1)),
    "XGBoost: trees": _native("xgboost", lambda held: re.sub(rb"(num_treesSL\0{7}\x01).", rb"\g<1>9", held)),
    "forest: child": _cell("forest", "left", HUGE),
    "forest: cycle": _cell("forest", "left", 0),
    "forest: feature": _cell("forest", "feature", 30_000),
    "forest: sizes": _cell("forest", "sizes", 1_000_000),
    "forest: negative sizes": _cell("forest", "sizes", -5),
    "forest: leaves": _array("forest", "leaves", lambda held: held[:-1]),
    "forest: no number": _cell("forest", "threshold", np.nan),
    "forest: one array more": lambda file: file.put(f"{file.place('forest')}/model/more", np.zeros(2)),
    "network: sizes": _model("mlp", "sizes", [100_000, 100_000, 100_000]),
    "network: no layers": _model("mlp", "sizes", []),
    "network: sizes of text": _model("mlp", "sizes", ["a", "b"]),
    "network: weights": _array("mlp", "values", lambda held: held[:-1]),
    "network: no number": _cell("mlp", "values", np.inf),
    "network: activation": _model("mlp", "activation", "wat"),
    "network: unfolded": _cell("mlp", "own", HUGE),
    "linear: shape": _array("linear", "weights", lambda held: held[:, :0]),
    "linear: type": _array("linear", "weights", lambda held: held.astype(np.int64)),
    "neighbours: class": _cell("neighbours", "y", 7),
    "neighbours: none": _array("neighbours", "x", lambda held: held[:0]),
    "neighbours: count": _model("neighbours", "count", -3),
    "naive Bayes: shape": _array("naive_bayes", "b", lambda held: held[:, ::2]),
    "constant: two answers": _array("constant", "answer", lambda held: held + 1),
    "other classes": _model("linear", "classes", 7),
    "objects": _array("linear", "bias", lambda held: np.array([print], object)),
    "records": _array("linear", "bias", lambda held: np.zeros(2, [("a", "f8")])),
    "a name outside": lambda file: file.put("../../evil", np.zeros(2)),
    "no arrays": lambda file: file.parts.clear(),
}  # fmt: skip
