"""Moving data: extract, validate, store, serve, deliver, reconcile."""
