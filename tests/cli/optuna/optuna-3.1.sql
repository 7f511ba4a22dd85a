BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.0.0.d');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'mixed');
INSERT INTO "studies" VALUES(2,'two');
INSERT INTO "studies" VALUES(3,'running');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
INSERT INTO "study_directions" VALUES(2,'MINIMIZE',2,0);
INSERT INTO "study_directions" VALUES(3,'MAXIMIZE',2,1);
INSERT INTO "study_directions" VALUES(4,'MINIMIZE',3,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'who','"me"');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,0,0.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,1,1.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,2,1.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,1,3,2.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,2,0,3.86387940515873270358e-04,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,2,1,7.72775881031746540716e-04,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,2,2,1.15916382154761981107e-03,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,2,3,1.54555176206349308143e-03,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,3,0,6.57368665513833358264e-04,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(10,3,1,1.31473733102766671652e-03,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(11,4,0,1.59579931642129579927e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(12,4,1,3.19159863284259159854e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(13,4,2,4.78739794926388739781e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(14,4,3,6.38319726568518319709e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(15,5,0,4.77883106585770393338e-04,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(16,5,1,9.55766213171540786677e-04,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(17,5,2,1.43364931975731128843e-03,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(18,5,3,1.91153242634308157335e-03,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(19,6,0,5.57190509693926624978e-02,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(20,6,1,1.11438101938785324995e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(21,6,2,1.67157152908177980554e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(22,6,3,2.22876203877570649991e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(23,7,0,2.58764101542105213853e-04,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(24,7,1,5.17528203084210427706e-04,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(25,7,2,7.76292304626315641559e-04,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(26,7,3,1.03505640616842085541e-03,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(27,8,0,1.15394905938626850597e-03,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(28,8,1,2.30789811877253701194e-03,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(29,8,2,3.46184717815880551791e-03,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(30,8,3,4.61579623754507402388e-03,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'lr',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(2,1,'units',32.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 8, "low": 8, "high": 64}}');
INSERT INTO "trial_params" VALUES(3,1,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 1.5, true]}}');
INSERT INTO "trial_params" VALUES(4,1,'width',17.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(5,1,'drop',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(6,1,'only a',3.02332572631839768817e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(7,2,'lr',3.86387940515873270358e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(8,2,'units',8.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 8, "low": 8, "high": 64}}');
INSERT INTO "trial_params" VALUES(9,2,'kind',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 1.5, true]}}');
INSERT INTO "trial_params" VALUES(10,2,'width',4.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(11,2,'drop',0.4,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(12,3,'lr',6.57368665513833358264e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(13,3,'units',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 8, "low": 8, "high": 64}}');
INSERT INTO "trial_params" VALUES(14,3,'kind',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 1.5, true]}}');
INSERT INTO "trial_params" VALUES(15,3,'width',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(16,3,'drop',0.1,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(17,4,'lr',1.59579931642129579927e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(18,4,'units',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 8, "low": 8, "high": 64}}');
INSERT INTO "trial_params" VALUES(19,4,'kind',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 1.5, true]}}');
INSERT INTO "trial_params" VALUES(20,4,'width',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(21,4,'drop',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(22,5,'lr',4.77883106585770393338e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(23,5,'units',64.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 8, "low": 8, "high": 64}}');
INSERT INTO "trial_params" VALUES(24,5,'kind',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 1.5, true]}}');
INSERT INTO "trial_params" VALUES(25,5,'width',14.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(26,5,'drop',0.1,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(27,6,'lr',5.57190509693926624978e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(28,6,'units',56.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 8, "low": 8, "high": 64}}');
INSERT INTO "trial_params" VALUES(29,6,'kind',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 1.5, true]}}');
INSERT INTO "trial_params" VALUES(30,6,'width',2.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(31,6,'drop',0.4,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(32,7,'lr',2.58764101542105213853e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(33,7,'units',32.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 8, "low": 8, "high": 64}}');
INSERT INTO "trial_params" VALUES(34,7,'kind',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 1.5, true]}}');
INSERT INTO "trial_params" VALUES(35,7,'width',1.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(36,7,'drop',0.4,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(37,7,'only a',1.48139681200041328779e+00,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 7.0, "log": false}}');
INSERT INTO "trial_params" VALUES(38,8,'lr',1.15394905938626850597e-03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(39,8,'units',32.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 8, "low": 8, "high": 64}}');
INSERT INTO "trial_params" VALUES(40,8,'kind',3.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["a", null, 1.5, true]}}');
INSERT INTO "trial_params" VALUES(41,8,'width',15.0,'{"name": "IntDistribution", "attributes": {"log": true, "step": 1, "low": 1, "high": 64}}');
INSERT INTO "trial_params" VALUES(42,8,'drop',0.0,'{"name": "FloatDistribution", "attributes": {"step": 0.1, "low": 0.0, "high": 0.5, "log": false}}');
INSERT INTO "trial_params" VALUES(43,10,'x',4.14055987819568316332e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(44,11,'x',6.94400157727745104274e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(45,12,'x',4.14179269526902649189e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(46,13,'n',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 3}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"kind": "a", "lr": 0.5}');
INSERT INTO "trial_system_attributes" VALUES(2,9,'fixed_params','{"lr": 0.25}');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'tag','[1, {"x": "y"}]');
INSERT INTO "trial_user_attributes" VALUES(2,2,'tag','[1, {"x": "y"}]');
INSERT INTO "trial_user_attributes" VALUES(3,5,'tag','[1, {"x": "y"}]');
INSERT INTO "trial_user_attributes" VALUES(4,6,'tag','[1, {"x": "y"}]');
INSERT INTO "trial_user_attributes" VALUES(5,7,'tag','[1, {"x": "y"}]');
INSERT INTO "trial_user_attributes" VALUES(6,8,'tag','[1, {"x": "y"}]');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,16.0,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,3.09110352412698616286e-03,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,1.31473733102766671652e-03,'FINITE');
INSERT INTO "trial_values" VALUES(4,5,0,3.05845188214893051736e-02,'FINITE');
INSERT INTO "trial_values" VALUES(5,6,0,NULL,'INF_POS');
INSERT INTO "trial_values" VALUES(6,7,0,8.2804512493473668433e-03,'FINITE');
INSERT INTO "trial_values" VALUES(7,8,0,3.69263699003605921911e-02,'FINITE');
INSERT INTO "trial_values" VALUES(8,10,0,4.14055987819568316332e-01,'FINITE');
INSERT INTO "trial_values" VALUES(9,10,1,0.0,'FINITE');
INSERT INTO "trial_values" VALUES(10,11,0,6.94400157727745104274e-01,'FINITE');
INSERT INTO "trial_values" VALUES(11,11,1,1.0,'FINITE');
INSERT INTO "trial_values" VALUES(12,12,0,4.14179269526902649189e-01,'FINITE');
INSERT INTO "trial_values" VALUES(13,12,1,2.0,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-21 02:26:49.430529','2026-11-21 02:26:49.681700');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-21 02:26:49.704308','2026-11-21 02:26:49.920631');
INSERT INTO "trials" VALUES(3,2,1,'PRUNED','2026-11-21 02:26:49.943190','2026-11-21 02:26:50.092757');
INSERT INTO "trials" VALUES(4,3,1,'FAIL','2026-11-21 02:26:50.111574','2026-11-21 02:26:50.296865');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE','2026-11-21 02:26:50.319170','2026-11-21 02:26:50.532631');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE','2026-11-21 02:26:50.555800','2026-11-21 02:26:50.768733');
INSERT INTO "trials" VALUES(7,6,1,'COMPLETE','2026-11-21 02:26:50.791352','2026-11-21 02:26:51.024746');
INSERT INTO "trials" VALUES(8,7,1,'COMPLETE','2026-11-21 02:26:51.047094','2026-11-21 02:26:51.248645');
INSERT INTO "trials" VALUES(9,8,1,'WAITING',NULL,NULL);
INSERT INTO "trials" VALUES(10,0,2,'COMPLETE','2026-11-21 02:26:51.364448','2026-11-21 02:26:51.406863');
INSERT INTO "trials" VALUES(11,1,2,'COMPLETE','2026-11-21 02:26:51.433201','2026-11-21 02:26:51.473696');
INSERT INTO "trials" VALUES(12,2,2,'COMPLETE','2026-11-21 02:26:51.499043','2026-11-21 02:26:51.541370');
INSERT INTO "trials" VALUES(13,0,3,'RUNNING','2026-11-21 02:26:51.625556',NULL);
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'3.1.1');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
COMMIT;
