"""Random small programs of ifs, loops and jumps over a few integers, as text."""

import linecache
import random

NAMES = ("a", "b", "c")


class Program:
    """Writes one function of `a` and `b`; every variable has a value before any block, every loop ends."""

    def __init__(self, seed: int, loop_over_tensors: bool = False):
        self.random = random.Random(seed)
        self.lines: list[str] = []
        self.loops = 0
        self.loop_over_tensors = loop_over_tensors

    def text(self) -> str:
        self.lines = ["def program(a, b):", "    c = a - b"]
        self.block(1, 3, in_loop=False)
        self.lines.append("    return a, b, c")
        return "\n".join(self.lines) + "\n"

    def say(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def expression(self) -> str:
        pick = self.random.choice
        left, right = pick(NAMES), pick((*NAMES, str(self.random.randint(-3, 4))))
        return (
            f"{left} {pick('+-+-*')} {right}"
            if self.random.random() < 0.8
            else f"({left} if {self.test()} else {right})"
        )

    def test(self) -> str:
        pick = self.random.choice
        symbol = pick(("<", ">", "==", "!=", "<=", ">="))
        one = f"{pick(NAMES)} {symbol} {pick((*NAMES, str(self.random.randint(-3, 4))))}"
        roll = self.random.random()
        if roll < 0.1:
            return f"{one} and {self.test()}"
        if roll < 0.2:
            return f"not ({one}) or {self.test()}"
        return f"{self.random.randint(-2, 2)} < {pick(NAMES)} < {pick(NAMES)}" if roll < 0.25 else one

    def block(self, depth: int, size: int, in_loop: bool) -> None:
        for _ in range(self.random.randint(1, size)):
            self.statement(depth, in_loop)

    def statement(self, depth: int, in_loop: bool) -> None:
        roll = self.random.random()
        if depth > 4 or roll < 0.4:
            self.say(depth, f"{self.random.choice(NAMES)} = clip({self.expression()})")
        elif roll < 0.65:
            self.say(depth, f"if {self.test()}:")
            self.block(depth + 1, 3, in_loop)
            if self.random.random() < 0.5:
                self.say(depth, "else:")
                self.block(depth + 1, 3, in_loop)
        elif roll < 0.8:
            self.loops += 1
            i = f"i{self.loops}"
            limit = self.random.randint(1, 4)
            if self.random.random() < 0.5:
                self.say(depth, f"for {i} in span({limit}):")
                self.say(depth + 1, f"{self.random.choice(NAMES)} += {i}")
            else:
                self.say(depth, f"{i} = start(0)")
                self.say(depth, f"while {i} < {limit} and ({self.test()}):")
                self.say(depth + 1, f"{i} += 1")
            self.block(depth + 1, 3, True)
            if self.random.random() < 0.2:
                self.say(depth, "else:")
                self.block(depth + 1, 2, in_loop)
        elif roll < 0.86 and in_loop:
            self.say(depth, self.random.choice(("break", "continue")))
        elif roll < 0.92:
            self.say(depth, f"return {self.expression()}, b, c")
        else:
            self.say(depth, f"{self.random.choice(NAMES)} += {self.random.randint(1, 3)}")


def compiled(text: str, name: str, namespace: dict) -> object:
    """The function of a program's text, whose source can be found."""
    filename = f"<autograph program {name}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)
    exec(compile(text, filename, "exec"), namespace)  # noqa: S102 - our own text
    return namespace["program"]
