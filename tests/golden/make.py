"""Writes layers.json and optimizers.json: what PyTorch says, for crates/nn to be compared with."""

import json
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional

torch.use_deterministic_algorithms(True)
HERE = pathlib.Path(__file__).parent


def number(value):
    """As few digits as name the float32, at most nine."""
    return float(str(np.float32(value)))


def flat(tensor):
    return [number(value) for value in tensor.detach().double().flatten().tolist()]


def short(tensor, digits):
    """Rounded, so that the files stay small."""
    return tensor.float().round(decimals=digits)


def conv(maps, kernel, stride=1, padding=0):
    return {"conv2d": {"maps": maps, "kernel": kernel, "stride": stride, "padding": padding}}


def pool(kernel, stride):
    return {"max_pool2d": {"kernel": kernel, "stride": stride}}


def dense(units):
    return {"dense": {"units": units}}


def module(shape, layers):
    """The network of a NetworkSpec, and the prefix of the name of each parameter."""
    channels, sample = shape[0], torch.zeros(1, *shape)
    modules, names, convs, denses = [], {}, 0, 0
    for layer in layers:
        kind, options = next(iter(layer.items())) if isinstance(layer, dict) else (layer, {})
        if kind == "conv2d":
            convs += 1
            names[len(modules)] = f"conv{convs}"
            made = nn.Conv2d(
                sample.shape[1], options["maps"], options["kernel"], options["stride"], options["padding"]
            )
        elif kind == "dense":
            denses += 1
            names[len(modules)] = f"fc{denses}"
            made = nn.Linear(sample.shape[1], options["units"])
        elif kind == "max_pool2d":
            made = nn.MaxPool2d(options["kernel"], options["stride"])
        elif kind == "flatten":
            made = nn.Flatten()
        else:
            made = {"relu": nn.ReLU}[kind]()
        sample = made(sample)
        modules.append(made)
    return nn.Sequential(*modules), names


def case(name, shape, layers, batch, labels=None, data=None, seed=1):
    """Runs in float64 on values that float32 holds: a reference, not another rounding."""
    torch.manual_seed(seed)
    net, names = module(shape, layers)
    for parameter in net.parameters():
        parameter.data = short(parameter.data, 4)
    net = net.double()
    given = short(torch.randn(batch, *shape), 2) if data is None else data
    given = given.float().double().requires_grad_()
    output = net(given)
    loss = output_gradient = None
    if labels is None:
        output_gradient = short(torch.randn(output.shape), 2).double()
        output.backward(output_gradient)
    else:
        loss = functional.cross_entropy(output, torch.tensor(labels))
        loss.backward()
    parameters, gradients = {}, {}
    for index, prefix in names.items():
        for kind in ("weight", "bias"):
            parameter = getattr(net[index], kind)
            parameters[f"{prefix}.{kind}"] = flat(parameter)
            gradients[f"{prefix}.{kind}"] = flat(parameter.grad)
    return {
        "name": name,
        "network": {"input": dict(zip(("channels", "height", "width"), shape)), "layers": layers},
        "parameters": parameters,
        "input": flat(given),
        "batch": batch,
        "labels": labels,
        "output_gradient": None if output_gradient is None else flat(output_gradient),
        "output": flat(output),
        "loss": None if loss is None else number(loss.item()),
        "input_gradient": flat(given.grad),
        "gradients": gradients,
    }


def distinct(batch, *shape, seed=2):
    """Values of which no two are equal, for pooling without ties."""
    count = batch * int(np.prod(shape))
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return ((order - count // 2) / 64).reshape(batch, *shape)


def sparse(batch, *shape, seed=3):
    """Small whole numbers, half of them negative: many ties, and many zeros behind ReLU."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-3, 3, (batch, *shape), generator=generator).float()


def layers():
    yield case("conv 1x1", (3, 4, 3), [conv(5, 1)], 3)
    yield case("conv 2x2", (1, 5, 4), [conv(3, 2)], 1)
    yield case("conv 2x2 stride 2 padding 1", (2, 5, 4), [conv(3, 2, 2, 1)], 3)
    yield case("conv 3x3 padding 1", (2, 6, 5), [conv(7, 3, 1, 1)], 3)
    yield case("conv 3x3 stride 2", (3, 5, 4), [conv(4, 3, 2, 0)], 16)
    yield case("conv 3x3 stride 2 padding 1", (1, 6, 5), [conv(3, 3, 2, 1)], 19)
    yield case("conv 3x3 stride 2 padding 2", (2, 5, 8), [conv(5, 3, 2, 2)], 1)
    yield case("conv 5x5 padding 2", (1, 7, 6), [conv(6, 5, 1, 2)], 3)
    yield case("conv 5x5 many maps", (3, 6, 5), [conv(11, 5)], 3)
    yield case("conv 5x5 stride 2 padding 1", (1, 6, 5), [conv(3, 5, 2, 1)], 19)
    yield case("conv 7x7 padding 2", (2, 8, 7), [conv(3, 7, 1, 2)], 3)
    yield case("conv 7x7 stride 2 padding 2", (1, 9, 10), [conv(2, 7, 2, 2)], 1)
    yield case("conv of one pixel", (11, 1, 1), [conv(7, 1)], 19)
    yield case("two convs", (1, 8, 7), [conv(4, 3, 1, 1), "relu", conv(3, 3, 2, 1)], 3)
    for kernel, stride, shape, batch in [
        (2, 2, (3, 6, 4), 3),
        (2, 2, (1, 5, 7), 19),
        (2, 1, (2, 4, 5), 3),
        (2, 3, (1, 7, 8), 16),
        (3, 2, (2, 7, 6), 3),
        (3, 1, (1, 5, 6), 16),
        (3, 3, (3, 7, 8), 1),
    ]:
        name = f"max pool {kernel} stride {stride} on {shape[1]}x{shape[2]}"
        yield case(name, shape, [pool(kernel, stride)], batch, data=distinct(batch, *shape))
    yield case("max pool with ties", (2, 6, 6), [pool(2, 2)], 3, data=sparse(3, 2, 6, 6))
    yield case("max pool with ties, overlapping", (1, 7, 6), [pool(3, 2)], 19, data=sparse(19, 1, 7, 6))
    yield case("relu and max pool with ties", (3, 4, 6), ["relu", pool(2, 2)], 3, data=sparse(3, 3, 4, 6))
    yield case("conv, relu and max pool", (2, 8, 7), [conv(5, 3, 1, 1), "relu", pool(2, 2)], 3)
    yield case("relu", (3, 3, 2), ["relu"], 3, data=sparse(3, 3, 3, 2))
    yield case("flatten", (3, 4, 2), ["flatten"], 3)
    yield case("dense 1", (7, 1, 1), ["flatten", dense(1)], 1)
    yield case("dense", (2, 3, 4), ["flatten", dense(11)], 19)
    yield case("dense 16", (33, 1, 1), ["flatten", dense(16)], 16)
    yield case("mlp", (1, 5, 4), ["flatten", dense(9), "relu", dense(7), "relu", dense(3)], 3)
    every = [index * 7 % 10 for index in range(19)]
    for batch in (1, 3, 16, 19):
        yield case(f"cross entropy, batch {batch}", (10, 1, 1), ["flatten"], batch, every[:batch])
    # Large logits: whoever takes the exponential first gets infinities.
    large = torch.tensor(
        [[1e4, 0, -1e4, 5], [1e4, 1e4, 0, 0], [-1e4, -1e4, -1e4, -1e4 + 1], [0, 1e4, 9999, 1], [0, 0, 0, 0]]
    ).reshape(5, 4, 1, 1)
    yield case("cross entropy, logits of 10,000", (4, 1, 1), ["flatten"], 5, [0, 1, 3, 2, 1], large)
    yield case("cross entropy, wrong by 10,000", (4, 1, 1), ["flatten"], 5, [2, 3, 0, 0, 3], large)
    lenet = [conv(3, 5, 1, 2), "relu", pool(2, 2), conv(7, 5), "relu", pool(2, 2), "flatten"]
    lenet += [dense(13), "relu", dense(11), "relu", dense(10)]
    yield case("small LeNet", (1, 14, 12), lenet, 17, every[:17])
    yield case("small LeNet, batch 3", (1, 14, 12), lenet, 3, every[:3], seed=4)


def optimizer(name, options, make, rate, size=7, steps=5):
    torch.manual_seed(5)
    parameter = nn.Parameter(torch.randn(size))
    rule = make([parameter], rate)
    begin, gradients, after = flat(parameter), [], []
    for step in range(steps):
        # Of many sizes, and one always zero.
        gradient = torch.randn(size) * 10.0 ** torch.arange(-3, size - 3)
        gradient[size // 2] = 0
        parameter.grad = gradient
        rule.step()
        gradients.append(flat(gradient))
        after.append(flat(parameter))
    return {
        "name": name,
        "optimizer": options,
        "learning_rate": number(rate),
        "parameters": begin,
        "gradients": gradients,
        "after": after,
    }


def sgd(momentum):
    return {"sgd": {"momentum": momentum}}, lambda p, rate: torch.optim.SGD(p, rate, momentum, foreach=False)


def adam(beta1=0.9, beta2=0.999, epsilon=1e-8):
    options = {"adam": {"beta1": beta1, "beta2": beta2, "epsilon": epsilon}}
    return options, lambda p, rate: torch.optim.Adam(p, rate, (beta1, beta2), epsilon, foreach=False)


def optimizers():
    yield optimizer("sgd", *sgd(0.0), 0.1)
    yield optimizer("sgd with momentum", *sgd(0.9), 0.01)
    yield optimizer("adam", *adam(), 0.001)
    yield optimizer("adam with other constants", *adam(0.8, 0.95, 1e-3), 0.02)


def write(name, cases):
    """One case a line, so that a change shows as the line of its case."""
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path = HERE / name
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{name}: {len(cases)} cases, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    write("layers.json", list(layers()))
    write("optimizers.json", list(optimizers()))
