"""server/checks/integrations/heeler_database: what the checks of databases share.

check     a run: one service check, one connection
options   what an instance of the yaml says, each wrong value refused with a sentence
password  where its password comes from, and that nobody sees it
session   a connection kept from run to run, opened anew after it was lost

The folder's name is one that no check of a user has, for a user's files come before ours.
"""
