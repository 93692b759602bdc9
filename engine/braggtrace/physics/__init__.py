"""The physics: named, pure, differentiable steps and the graph they form."""
