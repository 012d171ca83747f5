"""Chat models: answer a question from numbered passages."""
