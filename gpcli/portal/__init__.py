"""The only FHIR in the client: questions and errands as requests, answers as model records."""
