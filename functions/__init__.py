"""One folder a Lambda function; imported as `functions.<name>...` here and in Lambda alike."""
