"""The training steps in PyTorch, eager and compiled."""

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
