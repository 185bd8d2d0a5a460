"""The optimizer ops that are compared with real TensorFlow, and what they are given."""

import numpy as np

# op -> its slots, and its other inputs in order
OPS = {
    "ApplyGradientDescent": ("var", "alpha delta"),
    "ApplyProximalGradientDescent": ("var", "alpha l1 l2 delta"),
    "ApplyMomentum": ("var accum", "lr grad momentum"),
    "ApplyKerasMomentum": ("var accum", "lr grad momentum"),
    "ApplyAdagrad": ("var accum", "lr grad"),
    "ApplyAdagradV2": ("var accum", "lr epsilon grad"),
    "ApplyAdagradDA": ("var gradient_accumulator gradient_squared_accumulator", "grad lr l1 l2 global_step"),
    "ApplyAdadelta": ("var accum accum_update", "lr rho epsilon grad"),
    "ApplyAdam": ("var m v", "beta1_power beta2_power lr beta1 beta2 epsilon grad"),
    "ApplyAdaMax": ("var m v", "beta1_power lr beta1 beta2 epsilon grad"),
    "ApplyAdamWithAmsgrad": ("var m v vhat", "beta1_power beta2_power lr beta1 beta2 epsilon grad"),
    "ApplyRMSProp": ("var ms mom", "lr rho momentum epsilon grad"),
    "ApplyCenteredRMSProp": ("var mg ms mom", "lr rho momentum epsilon grad"),
    "ApplyFtrl": ("var accum linear", "grad lr l1 l2 lr_power"),
    "ApplyFtrlV2": ("var accum linear", "grad lr l1 l2 l2_shrinkage lr_power"),
    "ApplyAddSign": ("var m", "lr alpha sign_decay beta grad"),
    "ApplyPowerSign": ("var m", "lr logbase sign_decay beta grad"),
    "ApplyProximalAdagrad": ("var accum", "lr l1 l2 grad"),
}
VALUES = {"alpha": 0.3, "l1": 0.05, "l2": 0.02, "lr": 0.1, "momentum": 0.9, "epsilon": 1e-3, "rho": 0.8, "beta1": 0.9, "beta2": 0.95, "beta": 0.9,
          "beta1_power": 0.81, "beta2_power": 0.9, "lr_power": -0.5, "l2_shrinkage": 0.1, "sign_decay": 0.7, "logbase": 1.0}  # fmt: skip
DENSE_ONLY = {"ApplyGradientDescent", "ApplyAdam", "ApplyAdaMax", "ApplyAdamWithAmsgrad", "ApplyAddSign", "ApplyPowerSign"}

CASES: list[tuple[str, str, dict]] = []
for _name in OPS:
    for _dtype in ("float32", "float64"):
        CASES.append((f"Resource{_name}", _dtype, {}))
        if _name not in DENSE_ONLY:
            CASES.append((f"ResourceSparse{_name}", _dtype, {}))
CASES += [("ResourceApplyMomentum", "float32", {"use_nesterov": True}), ("ResourceSparseApplyMomentum", "float32", {"use_nesterov": True}),
          ("ResourceApplyKerasMomentum", "float32", {"use_nesterov": True}), ("ResourceApplyAdam", "float32", {"use_nesterov": True}),
          ("ResourceApplyAdagrad", "float32", {"update_slots": False}), ("ResourceApplyFtrl", "float32", {"multiply_linear_by_lr": True}),
          ("ResourceApplyFtrlV2", "float32", {"multiply_linear_by_lr": True}),
          ("ResourceSparseApplyFtrlV2", "float32", {"multiply_linear_by_lr": True})]  # fmt: skip


def arguments(name: str, dtype: str, seed: int) -> tuple[dict, dict]:
    """The slots and the other inputs, by name."""
    sparse = "Sparse" in name
    slots, inputs = OPS[name.replace("Resource", "").replace("Sparse", "")]
    rng = np.random.default_rng(seed)
    state = {}
    for s in slots.split():
        x = rng.normal(size=(5, 3))
        state[s] = (x if s in ("var", "m", "mom", "linear", "gradient_accumulator") or (s == "accum" and "Momentum" in name) else x * x + 1.0).astype(dtype)
    if "mg" in state:
        state["mg"] = (state["mg"] * 0.1).astype(dtype)
    given = {}
    for i in inputs.split():
        if i in ("grad", "delta"):
            key = "grad" if sparse else i
            given[key] = rng.normal(size=(4, 3) if sparse else (5, 3)).astype(dtype)
            if sparse:
                given["indices"] = np.array([3, 0, 3, 2], np.int32)
        elif i == "global_step":
            given[i] = np.int64(3)
        else:
            given[i] = np.asarray(VALUES[i], dtype)
    return state, given
