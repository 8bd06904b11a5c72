"""The score networks of the SDA code in numpy, float64, by their definition.

usage: reference.py FOLDER TIME, where FOLDER holds for each network NAME.toml,
NAME.safetensors and NAME.x.npy; writes the predicted noise to NAME.r.npy.
"""
import glob
import json
import math
import struct
import sys
import tomllib

import numpy as np

ACTIVATIONS = {
    "ReLU": lambda x: np.maximum(x, 0),
    "SiLU": lambda x: x / (1 + np.exp(-x)),
    "ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "GELU": lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    "Tanh": np.tanh,
}


def read_tensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    header.pop("__metadata__", None)
    return {
        name: np.frombuffer(data[slice(*t["data_offsets"])], "<f4").reshape(t["shape"]).astype(float)
        for name, t in header.items()
    }


def layer_norm(x, axis):
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, ddof=1, keepdims=True) + 1e-5)


def convolution(x, weight, bias, stride, padding):
    """x is (batch, channels, rows, columns)."""
    rows, columns = weight.shape[2:]
    margins = ((0, 0), (0, 0), (rows // 2,) * 2, (columns // 2,) * 2)
    x = np.pad(x, margins, mode="wrap" if padding == "circular" else "constant")
    windows = np.lib.stride_tricks.sliding_window_view(x, (rows, columns), (2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1]]
    return np.einsum("ncyxij,ocij->noyx", windows, weight) + bias[:, None, None]


class Network:
    def __init__(self, tensors, config):
        self.tensors, self.config = tensors, {"stride": 2, "spatial": 1, **config}
        self.activation = ACTIVATIONS[config.get("activation", "SiLU")]

    def linear(self, name, x):
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def embedding(self, prefix, t):
        waves = np.pi * np.arange(1, 17) * t
        prefix += "." if prefix else ""
        hidden = self.linear(prefix + "embedding.0", np.concatenate([np.cos(waves), np.sin(waves)]))
        return self.linear(prefix + "embedding.2", ACTIVATIONS["SiLU"](hidden))

    def perceptron(self, x, t):
        e = self.embedding("kernel", t)
        sizes = [*self.config["hidden_features"], x.shape[-1]]
        x = np.concatenate([x, np.broadcast_to(e, (*x.shape[:-1], e.size))], -1)
        place = 0
        for size in sizes:
            if x.shape[-1] != size:
                x = self.linear(f"kernel.network.{place}", x)
                place += 1
            name = f"kernel.network.{place}"
            x = x + self.linear(name + ".3", self.activation(self.linear(name + ".1", layer_norm(x, -1))))
            place += 1
        return x

    def convolve(self, name, x, stride=1):
        weight = self.tensors[name + ".weight"]
        if weight.ndim == 3:
            weight, stride = weight[:, :, None], (1, stride)
        else:
            stride = (stride, stride)
        return convolution(x, weight, self.tensors[name + ".bias"], stride, self.padding)

    def block(self, name, x, e):
        y = layer_norm(x + self.linear(name + ".project.0", e)[:, None, None], 1)
        return x + self.convolve(name + ".residue.3", self.activation(self.convolve(name + ".residue.1", y)))

    def mix(self, name, x):
        """x is (frames, channels, rows, columns)."""
        if name + ".0.weight" not in self.tensors:
            return x

        def along(name, y):  # (rows, channels, frames, columns)
            weight = self.tensors[name + ".weight"][:, :, :, None]
            return convolution(y, weight, self.tensors[name + ".bias"], (1, 1), "zeros")
        y = along(name + ".2", self.activation(along(name + ".0", x.transpose(2, 1, 0, 3))))
        return x + y.transpose(2, 1, 0, 3)

    def unet(self, prefix, x, t, padding):
        """x is (batch, channels, rows, columns); sequences have one row."""
        self.padding = self.config.get("padding_mode", padding)
        e, memory = self.embedding(prefix, t), []
        prefix += ".network" if prefix else "network"
        blocks, stride = self.config["hidden_blocks"], self.config["stride"]
        flat = self.tensors[prefix + ".heads.0.weight"].ndim == 3
        for level, count in enumerate(blocks):
            head = f"{prefix}.heads.{level}"
            x = self.mix(head + ".1", self.convolve(head + ".0", x, stride)) if level else self.convolve(head, x)
            for i in range(count):
                x = self.block(f"{prefix}.descent.{level}.{i}", x, e)
            memory.append(x)
        memory.pop()
        for place, count in enumerate(reversed(blocks)):
            for i in range(count):
                x = self.block(f"{prefix}.ascent.{place}.{i}", x, e)
            tail = f"{prefix}.tails.{place}"
            if memory:
                x = np.repeat(layer_norm(self.mix(tail + ".0", x), 1), stride, 3)
                x = x if flat else np.repeat(x, stride, 2)
                last = ".3" if tail + ".3.weight" in self.tensors else ".2"
                x = self.convolve(tail + last, x) + memory.pop()
            else:
                x = self.convolve(tail, x)
        return x

    def windows(self, x, t):
        """x is (batch, time, state...)."""
        k = self.config["order"]
        count = x.shape[1] - 2 * k
        cut = np.stack([x[:, i : i + 2 * k + 1] for i in range(count)], 1)
        if self.config["kind"] == "mcscore-mlp":
            y = self.perceptron(cut.reshape(*cut.shape[:2], -1), t)
        else:
            fields = cut.reshape(-1, (2 * k + 1) * x.shape[2], *([1] if x.ndim == 4 else []), *x.shape[3:])
            if "kernel.forcing" in self.tensors:
                forcing = self.tensors["kernel.forcing"]
                fields = np.concatenate([fields, np.broadcast_to(forcing, (len(fields), *forcing.shape))], 1)
            y = self.unet("kernel", fields, t, "circular")
        y = y.reshape(cut.shape)
        return np.concatenate([y[:, 0, :k], y[:, :, k], y[:, -1, -k:]], 1)

    def frames(self, x, t):
        """x is (frames, channels, rows, columns)."""
        if self.tensors["network.heads.0.weight"].shape[1] > x.shape[1]:
            y, x0 = (2 * np.pi * np.arange(n) / n for n in x.shape[2:])
            y, x0 = np.meshgrid(y, x0, indexing="ij")
            waves = np.stack([np.cos(y), np.cos(x0), np.sin(y), np.sin(x0)])
            x = np.concatenate([x, np.broadcast_to(waves, (len(x), *waves.shape))], 1)
        return self.unet("", x, t, "circular")

    def noise(self, x, t):
        if "qg" in (self.config["kind"][:2], self.config.get("branch")):
            return np.stack([self.frames(trajectory, t) for trajectory in x])
        if self.config["kind"] == "global-unet-1d":
            return self.unet("score", x.transpose(0, 2, 1)[:, :, None], t, "zeros")[:, :, 0].transpose(0, 2, 1)
        return self.windows(x, t)


folder, time = sys.argv[1], float(sys.argv[2])
for path in glob.glob(folder + "/*.toml"):
    name = path.removesuffix(".toml")
    with open(path, "rb") as file:
        network = Network(read_tensors(name + ".safetensors"), tomllib.load(file))
    np.save(name + ".r.npy", network.noise(np.load(name + ".x.npy").astype(float), time))
