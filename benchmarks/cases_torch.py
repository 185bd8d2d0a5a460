"""The training steps in PyTorch, eager and compiled, and the families of ops that it has, eager."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

RNG = np.random.RandomState(0)


def tensor(*shape, scale=1.0):
    return torch.from_numpy((RNG.randn(*shape) * scale).astype("float32"))


def _trained(parameters, loss_of, compiled):
    parameters = list(parameters)
    optimizer = torch.optim.SGD(parameters, lr=0.01)

    run = torch.compile(loss_of) if compiled else loss_of

    def step(*batch):
        optimizer.zero_grad(set_to_none=True)
        loss = run(*batch)
        loss.backward()
        optimizer.step()
        return loss

    return step


def mlp(compiled):
    net = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    x, y = tensor(256, 784), torch.from_numpy(RNG.randint(0, 10, 256))
    step = _trained(net.parameters(), lambda a, b: F.cross_entropy(net(a), b), compiled)
    return lambda: step(x, y)


def lstm(compiled, steps=128, batch=16, units=256):
    net = nn.LSTM(units, units)
    x = tensor(steps, batch, units)
    step = _trained(net.parameters(), lambda a: (net(a)[0][-1] ** 2).mean(), False)
    return lambda: step(x)


def transformer(compiled, batch=16, length=128, width=256, heads=8):
    depth = width // heads
    q, k, v, o = (nn.Parameter(tensor(width, width, scale=0.05)) for _ in range(4))
    up, down = nn.Parameter(tensor(width, 4 * width, scale=0.05)), nn.Parameter(tensor(4 * width, width, scale=0.05))
    gains = [nn.Parameter(torch.ones(width)) for _ in range(2)]
    norm = lambda h, g: F.layer_norm(h, (width,)) * g

    def loss_of(x):
        n = norm(x, gains[0])
        split = lambda w: (n @ w).view(batch, length, heads, depth).transpose(1, 2)
        a = torch.softmax(split(q) @ split(k).transpose(-1, -2) * depth**-0.5, -1) @ split(v)
        h = x + a.transpose(1, 2).reshape(batch, length, width) @ o
        h = h + F.gelu(norm(h, gains[1]) @ up) @ down
        return (h * h).mean()

    x = tensor(batch, length, width)
    step = _trained([q, k, v, o, up, down, *gains], loss_of, compiled)
    return lambda: step(x)


def convnet(compiled, batch=64):
    convs = nn.ModuleList([nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in ((3, 32), (32, 64), (64, 64))])
    last = nn.Linear(4 * 4 * 64, 10, bias=False)

    def loss_of(x, y):
        for c in convs:
            x = F.max_pool2d(F.relu(c(x)), 2)
        return F.cross_entropy(last(x.flatten(1)), y)

    x, y = tensor(batch, 3, 32, 32).to(memory_format=torch.channels_last), torch.from_numpy(RNG.randint(0, 10, batch))
    step = _trained([*convs.parameters(), *last.parameters()], loss_of, compiled)
    return lambda: step(x, y)


def ops_reductions(compiled):
    x = tensor(1024, 1024)
    return lambda: (x.sum(0), x.mean(1), x.max(), torch.logsumexp(x, 1), x.std(0, correction=0), x.argmax(1))


def ops_gather_scatter(compiled):
    x, i, p = tensor(20000, 64), torch.from_numpy(RNG.randint(0, 20000, 20000)), torch.from_numpy(RNG.randint(0, 64, [20000, 1]))

    def run():
        picked = x[i]
        return picked.gather(1, p), torch.zeros_like(x).index_add_(0, i, picked), torch.zeros(20000, 64).index_add_(0, i, picked)

    return run


def ops_sort(compiled):
    x = tensor(64, 10000)
    return lambda: (x.sort(-1).values, x[:16].argsort(), x.topk(32))


def ops_sparse_dense(compiled):
    indices = np.unique(RNG.randint(0, 2000, [40000, 2]), axis=0)
    s = torch.sparse_coo_tensor(torch.from_numpy(indices.T.copy()), tensor(len(indices)), (2000, 2000)).coalesce()
    d = tensor(2000, 64)
    return lambda: (torch.sparse.mm(s, d), torch.sparse.sum(s, 1).to_dense())


def ops_segments(compiled):
    x, i = tensor(50000, 32), torch.from_numpy(np.sort(RNG.randint(0, 500, 50000)))
    wide = i[:, None].expand(-1, 32)

    def run():
        return [torch.zeros(500, 32).scatter_reduce_(0, wide, x, how, include_self=False) for how in ("sum", "mean", "sum", "amax")]

    return run


def ops_cumulative(compiled):
    x = tensor(512, 2048)
    return lambda: (x.cumsum(1), x.cumsum(0), (x * 1e-3 + 1).cumprod(1))


def ops_fft(compiled):
    x, window = tensor(16, 16384), torch.hann_window(1024)
    rfft = torch.fft.rfft

    def run():
        mirrored = torch.cat([x, x.flip(-1)], -1)
        return rfft(x), torch.fft.irfft(rfft(x)), torch.stft(x, 1024, 256, window=window, center=False, return_complex=True).abs(), rfft(mirrored).real

    return run


def ops_embedding(compiled):
    table, ids = nn.Embedding(50000, 64, sparse=True), torch.from_numpy(RNG.randint(0, 50000, [256, 20]))
    optimizer = torch.optim.SGD(table.parameters(), lr=0.01)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = (table(ids).mean(1) ** 2).sum()
        loss.backward()
        optimizer.step()
        return loss

    return step
