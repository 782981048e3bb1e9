"""One module an endpoint; each has `serve(request, wiring)`, which answers or raises."""
