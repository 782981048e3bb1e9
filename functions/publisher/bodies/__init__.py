"""Bodies of the publisher contract: requests as strict models, answers as plain values."""
