"""The demo: made data, a city's people, and the story of `shuniu demo` played with them."""
