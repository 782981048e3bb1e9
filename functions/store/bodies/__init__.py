"""Bodies of the developer portal's contract: requests as strict models, answers as plain values."""
