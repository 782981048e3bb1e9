"""Where records live: five DynamoDB tables and a bucket."""
