"""The base class of programs that rewrite Python source trees, as AutoGraph's own passes did."""

import ast


class Base(ast.NodeTransformer):
    """A NodeTransformer that knows the context of what it rewrites: `ctx.info`, `ctx.namer`, `ctx.user_context`."""

    def __init__(self, ctx):
        self.ctx = ctx
