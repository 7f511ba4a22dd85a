"""The phases of a fit: what each is called, in the report and while it goes on."""

READING = "reading the table"
FIRST = "a first model"
SEARCH = "trying candidates"
ENSEMBLE = "choosing the ensemble"
REFIT = "fitting the members on all rows"
SAVING = "putting the model together"
