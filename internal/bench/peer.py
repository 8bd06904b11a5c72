"""Times PyTorch on the work of `retrace bench`, for comparison in the same run.

    OPENBLAS_CORETYPE=SkylakeX retrace bench --peer "python3 internal/bench/peer.py"

reads one request a line from standard input and answers each with one line:

    {"kind": "convolution", "channels": 64, "size": 64, "batch": 8,
     "work": "forward", "threads": 2, "seconds": 0.1}
    {"seconds": 0.0039}

the shortest time of one execution within about so many seconds, or {"error": ...}.
The first line it writes says what it is: {"name": "PyTorch 1.13.0, oneDNN, OpenBLAS"}.
Any other program that answers in this way can take its place.

What is timed is what PyTorch does best for the same mathematics:

    convolution  3x3, circular padding, bias; the better of NCHW and channels last
    mlp          5 blocks x = x + SiLU(LayerNorm(x) W + b)
    product      C = A B of square matrices; the better of torch.mm (BLAS) and oneDNN
    unet         the SDA U-Net: residual blocks of LayerNorm, convolution, SiLU, convolution

work is "forward", "guided" (forward and the gradient of the input) or "training"
(forward and the gradients of input and parameters; the optimiser is not timed).

OpenBLAS takes new processors for old ones: without OPENBLAS_CORETYPE the linear
layers run at a fifth of their speed. A PyTorch that links the reference BLAS, as
Debian's does if nothing better is installed, is slower still. The name says which.
"""
import json
import os
import sys
import time

import torch
import torch.nn.functional as F


def best(run, seconds):
    run()
    shortest, begin = float("inf"), time.perf_counter()
    while True:
        start = time.perf_counter()
        run()
        end = time.perf_counter()
        shortest = min(shortest, end - start)
        if end - begin > seconds:
            return shortest


def passes(forward, x, parameters, work):
    """Returns what makes one pass: forward maps x to a result."""
    if work == "forward":
        def run():
            with torch.no_grad():
                forward(x)
        return run
    x = x.detach().requires_grad_(True)
    for p in parameters:
        p.requires_grad_(work == "training")
    wanted = [x] + (list(parameters) if work == "training" else [])
    cotangent = torch.ones_like(forward(x))

    def run():
        torch.autograd.grad(forward(x), wanted, cotangent)
    return run


def convolution(r, seconds):
    shortest = float("inf")
    for layout in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(r["batch"], r["channels"], r["size"], r["size"]).contiguous(memory_format=layout)
        w = torch.randn(r["channels"], r["channels"], 3, 3).contiguous(memory_format=layout) * 0.05
        b = torch.zeros(r["channels"])

        def forward(x):
            return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), w, b)
        shortest = min(shortest, best(passes(forward, x, (w, b), r["work"]), seconds / 2))
    return shortest


def mlp(r, seconds):
    x = torch.randn(r["batch"], r["width"])
    layers = [(torch.randn(r["width"], r["width"]) / r["width"] ** 0.5, torch.zeros(r["width"])) for _ in range(5)]

    def forward(x):
        for w, b in layers:
            x = x + F.silu(F.linear(F.layer_norm(x, x.shape[-1:]), w, b))
        return x
    return best(passes(forward, x, [p for layer in layers for p in layer], r["work"]), seconds)


def product(r, seconds):
    a, b = torch.randn(r["size"], r["size"]), torch.randn(r["size"], r["size"])
    c = torch.empty(r["size"], r["size"])
    shortest = best(lambda: torch.mm(a, b, out=c), seconds / 2)
    if torch.backends.mkldnn.is_available():
        a, b = a.to_mkldnn(), b.to_mkldnn()
        shortest = min(shortest, best(lambda: F.linear(a, b), seconds / 2))
    return shortest


def unet(r, seconds):
    """The network of sda's master branch without its time embedding: channels a
    level, blocks a level and direction, stride 2, nearest upsampling, additive skips."""
    channels, count, ends = r["levels"], r["blocks"], r["channels"]
    parameters = []

    def conv(i, o):
        p = (torch.randn(o, i, 3, 3).contiguous(memory_format=torch.channels_last) * (9 * i) ** -0.5, torch.zeros(o))
        parameters.extend(p)
        return p

    def circular(x, p, stride=1):
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), *p, stride=stride)

    def norm(x):
        return F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2]).permute(0, 3, 1, 2)
    down = [[(conv(c, c), conv(c, c)) for _ in range(count)] for c in channels]
    up = [[(conv(c, c), conv(c, c)) for _ in range(count)] for c in channels]
    heads = [conv(ends if i == 0 else channels[i - 1], c) for i, c in enumerate(channels)]
    tails = [conv(c, ends if i == 0 else channels[i - 1]) for i, c in enumerate(channels)]

    def blocks(x, pairs):
        for a, b in pairs:
            x = x + circular(F.silu(circular(norm(x), a)), b)
        return x

    def forward(x):
        kept = []
        for i in range(len(channels)):
            x = blocks(circular(x, heads[i], stride=2 if i else 1), down[i])
            kept.append(x)
        for i in reversed(range(len(channels))):
            x = blocks(x, up[i])
            if i == 0:
                return circular(x, tails[0])
            x = circular(F.interpolate(norm(x), scale_factor=2), tails[i]) + kept[i - 1]
    x = torch.randn(r["batch"], ends, r["size"], r["size"]).contiguous(memory_format=torch.channels_last)
    return best(passes(forward, x, parameters, r["work"]), seconds)


KINDS = {"convolution": convolution, "mlp": mlp, "product": product, "unet": unet}


def blas():
    """The BLAS that is loaded: torch's own account of it is that of its build."""
    names = set()
    for line in open("/proc/self/maps") if os.path.exists("/proc/self/maps") else ():
        path = os.path.realpath(line.split()[-1])
        for name in ("openblas", "mkl", "blis", "libblas"):
            if name in path:
                names.add({"libblas": "reference BLAS"}.get(name, name))
    if len(names) > 1:
        names.discard("reference BLAS")
    return ", ".join(sorted(names)) or "unknown BLAS"


def main():
    core = os.environ.get("OPENBLAS_CORETYPE", "")
    print(json.dumps({"name": f"PyTorch {torch.__version__}, {blas()} {core}".strip()}), flush=True)
    for line in sys.stdin:
        r = json.loads(line)
        try:
            torch.set_num_threads(r["threads"])
            torch.manual_seed(0)
            answer = {"seconds": KINDS[r["kind"]](r, r["seconds"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
