"""Writes the JSON files beside it: what PyTorch says, for crates/nn to be compared with."""

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


def conv(out_channels, kernel_size, stride=1, padding=0):
    return {"conv2d": {"out_channels": out_channels, "kernel_size": kernel_size, "stride": stride, "padding": padding}}


def pool(kernel_size, stride):
    return {"max_pool2d": {"kernel_size": kernel_size, "stride": stride}}


def linear(out_features):
    return {"linear": {"out_features": out_features}}


class Subsample(nn.Module):
    """LeCun et al. 1998: the mean of each window, times a weight and plus a bias that every map learns."""

    def __init__(self, channels, kernel_size, stride):
        super().__init__()
        self.pool = nn.AvgPool2d(kernel_size, stride)
        self.weight = nn.Parameter(torch.rand(channels) + 0.5)
        self.bias = nn.Parameter(torch.randn(channels))

    def forward(self, x):
        return self.pool(x) * self.weight[:, None, None] + self.bias[:, None, None]


def module(shape, layers):
    """The network of a NetworkSpec, and the prefix of the name of each parameter."""
    sample = torch.zeros(2, *shape)
    modules, names, counts, owner = [], {}, {}, "input"
    for layer in layers:
        kind, options = next(iter(layer.items())) if isinstance(layer, dict) else (layer, {})
        channels = sample.shape[1]
        windows = (options.get("kernel_size"), options.get("stride"))
        make = {
            "conv2d": lambda: nn.Conv2d(channels, options["out_channels"], *windows, options["padding"]),
            "linear": lambda: nn.Linear(channels, options["out_features"]),
            "max_pool2d": lambda: nn.MaxPool2d(*windows),
            "avg_pool2d": lambda: nn.AvgPool2d(*windows),
            "subsample2d": lambda: Subsample(channels, *windows),
            "batch_norm": lambda: (nn.BatchNorm2d if sample.dim() == 4 else nn.BatchNorm1d)(channels),
            "leaky_relu": lambda: nn.LeakyReLU(options["negative_slope"]),
            "elu": lambda: nn.ELU(options["alpha"]),
            "flatten": nn.Flatten,
            "relu": nn.ReLU,
            "sigmoid": nn.Sigmoid,
            "tanh": nn.Tanh,
        }
        made = make[kind]()
        prefix = {"conv2d": "conv", "linear": "fc", "subsample2d": "pool"}.get(kind)
        if kind == "batch_norm":  # named after the layer before it
            names[len(modules)] = f"bn_{owner}"
        if prefix:
            counts[prefix] = counts.get(prefix, 0) + 1
            names[len(modules)] = f"{prefix}{counts[prefix]}"
            owner = names[len(modules)] if prefix != "pool" else owner
        sample = made(sample)
        modules.append(made)
    for index in names:  # the sample was no data
        if hasattr(modules[index], "reset_running_stats"):
            modules[index].reset_running_stats()
    return nn.Sequential(*modules), names


def case(name, shape, layers, batch, labels=None, data=None, seed=1, floor=2e-6, small=None, smoothing=0.0):
    """Runs in float64 on values that float32 holds: a reference, not another rounding.

    Each value may be off by 1e-5 of itself, and by `floor`: sums of terms of about 1 have rounding errors of 1e-7 wherever they end.
    `small` multiplies the weights, and sets the biases to 0.
    """
    torch.manual_seed(seed)
    net, names = module(shape, layers)
    for parameter in net.parameters():
        if small is None:
            parameter.data = short(parameter.data, 4)
        else:
            parameter.data = short(parameter.data * small, 6) if parameter.dim() > 1 else torch.zeros_like(parameter)
    net = net.double()
    given = short(torch.randn(batch, *shape), 2) if data is None else data
    given = given.float().double().requires_grad_()
    output = net(given)
    loss = output_gradient = None
    if labels is None:
        output_gradient = short(torch.randn(output.shape), 2).double()
        output.backward(output_gradient)
    else:
        loss = functional.cross_entropy(output, torch.tensor(labels), label_smoothing=smoothing)
        loss.backward()
    parameters, gradients = {}, {}
    for index, prefix in names.items():
        for kind in ("weight", "bias"):
            parameter = getattr(net[index], kind)
            parameters[f"{prefix}.{kind}"] = flat(parameter)
            gradients[f"{prefix}.{kind}"] = flat(parameter.grad)
    return {
        "name": name,
        "floor": floor,
        "label_smoothing": smoothing,
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
    for kernel, stride, shape in [(2, 2, (3, 5, 4)), (3, 2, (2, 7, 6)), (3, 1, (1, 5, 5))]:
        averages = [{"avg_pool2d": {"kernel_size": kernel, "stride": stride}}]
        yield case(f"average pool {kernel} stride {stride}", shape, averages, 3)
    yield case("subsample", (3, 4, 6), [{"subsample2d": {"kernel_size": 2, "stride": 2}}], 19)
    # From where the exponential is 0 to where it is infinite.
    wide = torch.cat([torch.linspace(-120, 120, 49), torch.linspace(-4, 4, 49)]).reshape(2, 49, 1, 1)
    for activation in ("sigmoid", "tanh", {"leaky_relu": {"negative_slope": 0.01}}):
        yield case(f"{activation}", (49, 1, 1), [activation], 2, data=wide, floor=3e-7)
    # Small signals of either sign: every digit counts, since deep networks multiply them.
    sizes = 10.0 ** (-torch.arange(80) / 4)
    tiny = torch.stack([sizes, -sizes]).reshape(2, 80, 1, 1)
    for activation in ("tanh", {"elu": {"alpha": 1.0}}, {"elu": {"alpha": 0.3}}, {"leaky_relu": {"negative_slope": 0.01}}, "sigmoid"):
        yield case(f"{activation}, small signals", (80, 1, 1), [activation], 2, data=tiny, floor=1e-30)
    for activation in ("tanh", {"elu": {"alpha": 1.0}}):
        deep = ["flatten"] + [linear(6), activation] * 8 + [linear(10)]
        yield case(f"{activation}, eight layers of vanishing signals", (5, 1, 1), deep, 3, [3, 7, 1], floor=1e-18, small=0.05)
    # Its own scale: beside an output of 120, what it does below 0 would not be seen.
    below = torch.cat([torch.linspace(-120, -5, 24), torch.linspace(-5, 2, 73), torch.zeros(1)]).reshape(2, 49, 1, 1)
    yield case("elu", (49, 1, 1), [{"elu": {"alpha": 1.5}}], 2, data=below, floor=5e-7)
    yield case("conv, elu and max pool", (2, 8, 7), [conv(5, 3, 1, 1), {"elu": {"alpha": 0.5}}, pool(2, 2)], 3)
    yield case("relu", (3, 3, 2), ["relu"], 3, data=sparse(3, 3, 3, 2))
    yield case("flatten", (3, 4, 2), ["flatten"], 3)
    yield case("dense 1", (7, 1, 1), ["flatten", linear(1)], 1)
    yield case("dense", (2, 3, 4), ["flatten", linear(11)], 19)
    yield case("dense 16", (33, 1, 1), ["flatten", linear(16)], 16)
    yield case("mlp", (1, 5, 4), ["flatten", linear(9), "relu", linear(7), "relu", linear(3)], 3)
    every = [index * 7 % 10 for index in range(19)]
    for batch in (1, 3, 16, 19):
        yield case(f"cross entropy, batch {batch}", (10, 1, 1), ["flatten"], batch, every[:batch])
    # Large logits: whoever takes the exponential first gets infinities.
    large = torch.tensor(
        [[1e4, 0, -1e4, 5], [1e4, 1e4, 0, 0], [-1e4, -1e4, -1e4, -1e4 + 1], [0, 1e4, 9999, 1], [0, 0, 0, 0]]
    ).reshape(5, 4, 1, 1)
    yield case("cross entropy, logits of 10,000", (4, 1, 1), ["flatten"], 5, [0, 1, 3, 2, 1], large)
    yield case("cross entropy, wrong by 10,000", (4, 1, 1), ["flatten"], 5, [2, 3, 0, 0, 3], large)
    yield case("cross entropy, smoothed, logits of 10,000", (4, 1, 1), ["flatten"], 5, [0, 1, 3, 2, 1], large, smoothing=0.3)
    lenet = [conv(3, 5, 1, 2), "relu", pool(2, 2), conv(7, 5), "relu", pool(2, 2), "flatten"]
    lenet += [linear(13), "relu", linear(11), "relu", linear(10)]
    yield case("small LeNet", (1, 14, 12), lenet, 17, every[:17])
    yield case("small LeNet, batch 3", (1, 14, 12), lenet, 3, every[:3], seed=4)


def training(name, shape, layers, batch, smoothing=0.0, l1=0.0, l2=0.0, biases=False, seed=6, offset=1.0, floor=1e-6):
    """One training step as PyTorch would do it: loss, gradients with their penalties, running estimates after it."""
    torch.manual_seed(seed)
    net, names = module(shape, layers)
    for parameter in net.parameters():
        parameter.data = short(parameter.data + 0.1 * torch.randn(parameter.shape), 4)
    net = net.double().train()
    given = short(torch.randn(batch, *shape) * 2 + offset, 2)
    labels = [index * 7 % 10 for index in range(batch)]
    loss = functional.cross_entropy(net(given.double()), torch.tensor(labels), label_smoothing=smoothing)
    loss.backward()
    parameters, gradients, running = {}, {}, {}
    for index, prefix in names.items():
        for kind in ("weight", "bias"):
            parameter = getattr(net[index], kind)
            weight = kind == "weight" and prefix[:2] not in ("bn", "po")
            gradient = parameter.grad
            if weight or biases:
                gradient = gradient + l2 * parameter + l1 * parameter.sign()
            parameters[f"{prefix}.{kind}"] = flat(parameter)
            gradients[f"{prefix}.{kind}"] = flat(gradient)
        if prefix.startswith("bn"):
            running[prefix] = flat(net[index].running_mean) + flat(net[index].running_var)
    return {
        "name": name,
        "floor": floor,
        "network": {"input": dict(zip(("channels", "height", "width"), shape)), "layers": layers},
        "label_smoothing": smoothing,
        "penalty": {"l1": l1, "l2": l2, "biases": biases},
        "parameters": parameters,
        "input": flat(given),
        "labels": labels,
        "loss": number(loss.item()),
        "gradients": gradients,
        "running": running,
    }


def trainings():
    mlp = ["flatten", linear(9), "relu", linear(10)]
    yield training("label smoothing", (5, 1, 1), mlp, 19, smoothing=0.1)
    yield training("L1 and L2 on weights", (5, 1, 1), mlp, 16, l1=0.01, l2=0.1)
    yield training("L1 and L2 on everything", (5, 1, 1), mlp, 3, l1=0.01, l2=0.1, biases=True)
    yield training("batch norm of features", (4, 1, 1), ["flatten", linear(7), "batch_norm", "tanh", linear(10)], 19)
    yield training("batch norm of three samples", (4, 1, 1), ["flatten", linear(7), "batch_norm", linear(10)], 3)
    maps = [conv(5, 3, 1, 1), "batch_norm", "relu", pool(2, 2), "flatten", linear(10)]
    yield training("batch norm of maps", (2, 6, 5), maps, 35, smoothing=0.05, l2=0.01)
    yield training("batch norm first", (3, 4, 4), ["batch_norm", conv(4, 3), "flatten", linear(10)], 16)
    # The variance is a difference of numbers 40,000 times its size, if it is computed from the sum of squares.
    yield training("batch norm of values far from 0", (3, 4, 4), ["batch_norm", conv(4, 3), "flatten", linear(10)], 35, offset=400.0, floor=5e-5)
    yield training("batch norm behind an activation", (4, 1, 1), ["flatten", linear(7), "sigmoid", "batch_norm", linear(10)], 19)
    old = [conv(3, 3), "tanh", {"subsample2d": {"kernel_size": 2, "stride": 2}}, "sigmoid", "flatten", linear(10)]
    yield training("1998", (1, 8, 8), old, 17)
    tricks = [conv(3, 5, 1, 2), "batch_norm", "relu", pool(2, 2), conv(7, 3), "batch_norm", {"leaky_relu": {"negative_slope": 0.1}}]
    tricks += [{"avg_pool2d": {"kernel_size": 2, "stride": 2}}, "flatten", linear(13), "batch_norm", "relu", linear(10)]
    yield training("everything", (1, 12, 12), tricks, 33, smoothing=0.1, l1=0.001, l2=0.01, biases=True)


def integers(count, seed):
    """Numbers from 0 to 1 that Rust makes in the same way, without a file: a linear congruential generator."""
    state, values = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append((state >> 40) / 2**24)
    return np.array(values)


def trajectory(title, layers, optimizer_options, make, rate, batch=24, steps=100):
    """The losses of a whole training, on ten noisy patterns. Weights, patterns and batches come from `integers`."""
    net, _ = module((1, 28, 28), layers)
    net = net.double().train()
    with torch.no_grad():
        for index, (name, parameter) in enumerate(net.named_parameters()):
            if parameter.dim() > 1:
                fan_in = np.float32(parameter[0].numel())
                values = (integers(parameter.numel(), 1000 + index).astype(np.float32) * 2 - 1) / np.sqrt(fan_in)
                parameter.copy_(torch.tensor(values).view_as(parameter))
            elif name.endswith("bias"):  # scales are 1 already
                parameter.zero_()
    patterns = integers(10 * 784, 1).reshape(10, 784)
    rule, losses = make(net.parameters(), rate), []
    for step in range(steps):
        labels = [(step * 3 + index * 7) % 10 for index in range(batch)]
        noise = integers(batch * 784, 2 + step).reshape(batch, 784)
        pixels = (patterns[labels] * 0.5 + noise * 0.5).astype(np.float32)
        rule.zero_grad()
        loss = functional.cross_entropy(net(torch.tensor(pixels).double().view(-1, 1, 28, 28)), torch.tensor(labels))
        loss.backward()
        rule.step()
        losses.append(number(loss.item()))
    network = {"input": {"channels": 1, "height": 28, "width": 28}, "layers": layers}
    return {"name": title, "network": network, "optimizer": optimizer_options, "learning_rate": rate, "batch": batch, "losses": losses}


def trajectories():
    lenet = [conv(6, 5, 1, 2), "batch_norm", "relu", pool(2, 2), conv(16, 5), "batch_norm", "relu", pool(2, 2), "flatten"]
    lenet += [linear(120), "batch_norm", "relu", linear(84), "batch_norm", "relu", linear(10)]
    yield trajectory("LeNet with batch normalisation", lenet, *sgd(0.9), 0.002)
    yield trajectory("MLP with Adam", ["flatten", linear(30), "relu", linear(10)], *adam(), 0.001)


def optimizer(name, options, make, rate, size=7, steps=5, scheduler=None, then=None):
    """Some steps of a rule; with `scheduler` at other rates, and with `then` by another rule, which takes over the state."""
    torch.manual_seed(5)
    parameter = nn.Parameter(torch.randn(size))
    rule = make([parameter], rate)
    schedule = scheduler(rule) if scheduler else None
    begin, gradients, after, rates, rules = flat(parameter), [], [], [], []
    for step in range(steps):
        if then and step == steps // 2:
            options, make = then
            state, rule = rule.state, make([parameter], rate)
            rule.state = state
        # Of many sizes, and one always zero.
        gradient = torch.randn(size) * 10.0 ** torch.arange(-3, size - 3)
        gradient[size // 2] = 0
        parameter.grad = gradient
        rates.append(number(rule.param_groups[0]["lr"]))
        rules.append(options)
        rule.step()
        if schedule:
            schedule.step()
        gradients.append(flat(gradient))
        after.append(flat(parameter))
    return {
        "name": name,
        "optimizers": rules,
        "rates": rates,
        "weight_decay": 0.0,
        "parameters": begin,
        "gradients": gradients,
        "after": after,
    }


def sgd(momentum, nesterov=False, decay=0.0):
    options = {"sgd": {"momentum": momentum, "nesterov": nesterov}}
    return options, lambda p, rate: torch.optim.SGD(p, rate, momentum, nesterov=nesterov, weight_decay=decay, foreach=False)


def adam(beta1=0.9, beta2=0.999, eps=1e-8):
    options = {"adam": {"beta1": beta1, "beta2": beta2, "eps": eps}}
    return options, lambda p, rate: torch.optim.Adam(p, rate, (beta1, beta2), eps, foreach=False)


def adamw(decay):
    options = {"adam_w": {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}}
    return options, lambda p, rate: torch.optim.AdamW(p, rate, weight_decay=decay, foreach=False)


def optimizers():
    yield optimizer("sgd", *sgd(0.0), 0.1)
    yield optimizer("sgd with momentum", *sgd(0.9), 0.01)
    yield optimizer("nesterov", *sgd(0.9, True), 0.01)
    yield optimizer("adam", *adam(), 0.001)
    yield optimizer("adam with other constants", *adam(0.8, 0.95, 1e-3), 0.02)
    for decay in [0.0, 0.1]:
        yield optimizer(f"adamw, weight decay {decay}", *adamw(decay), 0.02) | {"weight_decay": decay}
    yield optimizer("nesterov, weight decay 0.1", *sgd(0.9, True, 0.1), 0.02) | {"weight_decay": 0.1}
    # Decoupled weight decay follows the rate of the schedule.
    stairs = lambda rule: torch.optim.lr_scheduler.StepLR(rule, step_size=2, gamma=0.3)
    yield optimizer("adamw, weight decay 0.1, rate in steps", *adamw(0.1), 0.02, scheduler=stairs) | {"weight_decay": 0.1}
    yield optimizer("momentum, weight decay 0.1, rate in steps", *sgd(0.9, False, 0.1), 0.02, scheduler=stairs) | {"weight_decay": 0.1}
    yield optimizer("adam, then adamw", *adam(), 0.02, steps=8, then=adamw(0.0))


def schedule(name, options, make, total, rate=0.1, steps_per_epoch=10):
    """The learning rate of each step, from the first on, until `total` steps."""
    rule = torch.optim.SGD([nn.Parameter(torch.zeros(1))], rate)
    scheduler, rates = make(rule), []
    for step in range(total):
        rates.append(number(rule.param_groups[0]["lr"]))
        rule.step()
        scheduler.step()
    return {
        "name": name,
        "schedule": options,
        "learning_rate": rate,
        "steps_per_epoch": steps_per_epoch,
        "rates": rates,
    }


def schedules():
    """Schedules of ours are functions of the epochs trained. PyTorch counts scheduler steps: here one a training step."""
    lr = torch.optim.lr_scheduler
    for epochs, factor in [(2, 0.5), (1, 0.6), (3, 0.1)]:
        step = lambda rule: lr.StepLR(rule, step_size=epochs * 10, gamma=factor)
        yield schedule(f"StepLR every {epochs} epochs", {"step": {"epochs": epochs, "factor": factor}}, step, 70)
    for epochs in (4, 7):
        cosine = lambda rule: lr.CosineAnnealingLR(rule, T_max=epochs * 10)
        yield schedule(f"CosineAnnealingLR, {epochs} epochs", {"cosine": {"epochs": epochs}}, cosine, epochs * 10 + 1)
    # PyTorch reaches the peak at step pct_start * total - 1 and the end at step total - 1. Ours reaches them at 0.3 and 1 of the
    # run: one more step, and the share that puts the peak there.
    for epochs in (5, 20):
        last = epochs * 10
        cycle = lambda rule: lr.OneCycleLR(
            rule, max_lr=0.1, total_steps=last + 1, pct_start=(0.3 * last + 1) / (last + 1), cycle_momentum=False
        )
        yield schedule(f"OneCycleLR, {epochs} epochs", {"one_cycle": {"epochs": epochs}}, cycle, last + 1)
    test = lambda rule: lr.ExponentialLR(rule, gamma=10 ** (7 / 30))
    # A range test begins at a ten-thousandth of the learning rate.
    yield schedule("ExponentialLR, a range test of 3 epochs", {"range_test": {"epochs": 3}}, test, 31, 1e-4) | {"learning_rate": 1.0}


def write(name, cases):
    """One case a line, so that a change shows as the line of its case."""
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path = HERE / name
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{name}: {len(cases)} cases, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    write("layers.json", list(layers()))
    write("optimizers.json", list(optimizers()))
    write("schedules.json", list(schedules()))
    write("training.json", list(trainings()))
    write("trajectories.json", list(trajectories()))
